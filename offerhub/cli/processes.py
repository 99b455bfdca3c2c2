"""The long-running processes besides the API; each reads the settings and calls its owner."""

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from offerhub.settings import Settings

QUEUES: Final = ("critical", "webhooks", "maintenance")


@click.command()
@click.argument("queue", type=click.Choice(QUEUES))
def worker(queue: str) -> None:
    """Run the jobs of one queue until told to stop; a running job is finished first."""
    settings = _start(f"worker-{queue}")
    from offerhub.worker.main import run_worker

    run_worker(settings, queue)


@click.command()
def scheduler() -> None:
    """Enqueue recurring work. Several may run; one is active."""
    settings = _start("scheduler")
    from offerhub.worker.schedule import run_scheduler

    run_scheduler(settings)


@click.command()
def relay() -> None:
    """Give committed events their sequence and wake whoever waits. One is active, others wait."""
    settings = _start("relay")
    from offerhub.worker.relay import run_relay

    run_relay(settings)


@click.command()
def deposits() -> None:
    """Read the chain for deposits to users' wallets. One is active, others wait."""
    settings = _start("deposits")
    from offerhub.worker.deposits import run_deposits

    run_deposits(settings)


@click.command()
def sandbox() -> None:
    """Play Airtm, Trustless Work and Stellar on this machine. Not for production."""
    settings = _start("sandbox")
    from offerhub.cli.appliance.sandbox_world import run_sandbox

    run_sandbox(settings)


def _start(process: str) -> "Settings":
    from offerhub import logs
    from offerhub.cli.deployment import read_settings

    settings = read_settings()
    logs.configure(level=settings.log_level, format_=settings.log_format, process=process)
    return settings
