"""The long-running processes besides the API; each reads the settings and calls its owner."""

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from offerhub.services.context import App
    from offerhub.settings import Settings

QUEUES: Final = ("critical", "webhooks", "deliveries", "maintenance")


@click.command()
@click.argument("queue", type=click.Choice(QUEUES))
def worker(queue: str) -> None:
    """Run the jobs of one queue until told to stop; a running job is finished first."""
    settings = _start(f"worker-{queue}")
    from offerhub.worker.main import run_worker

    run_worker(_app(settings), redis_url=settings.redis_url, queue_name=queue)


@click.command()
def scheduler() -> None:
    """Ring for recurring work. One is active, others wait."""
    settings = _start("scheduler")
    from offerhub.bootstrap import open_store
    from offerhub.worker.scheduler import run_scheduler

    open_store(settings, max_connections=2)
    run_scheduler(redis_url=settings.redis_url)


@click.command()
def relay() -> None:
    """Give committed events their sequence and wake whoever waits. One is active, others wait."""
    settings = _start("relay")
    from offerhub.bootstrap import open_store
    from offerhub.worker.relay import run_relay

    open_store(settings, max_connections=2)
    run_relay(redis_url=settings.redis_url)


@click.command()
def deposits() -> None:
    """Read the chain for deposits to users' wallets. One is active, others wait."""
    settings = _start("deposits")
    from offerhub.worker.deposits import run_deposits

    run_deposits(_app(settings))


@click.command()
def sandbox() -> None:
    """Play Airtm, Trustless Work and Stellar on this machine. Not for production."""
    settings = _start("sandbox")
    from offerhub.cli.appliance.sandbox_world import run_sandbox

    run_sandbox(settings)


def _app(settings: "Settings") -> "App":
    from offerhub.cli import metrics_folder
    from offerhub.settings import paths

    metrics_folder.prepare(paths.run(settings.home) if settings.home.is_absolute() else None)

    from offerhub.bootstrap import build_app
    from offerhub.cli.wallet_keys import refuse_to_start_without_keys
    from offerhub.worker.queues import RedisDoorbell, connect

    app = build_app(settings, doorbell=RedisDoorbell(connect(settings.redis_url)))
    refuse_to_start_without_keys(app)
    return app


def _start(process: str) -> "Settings":
    from offerhub import logs
    from offerhub.cli.deployment import read_settings

    settings = read_settings()
    logs.configure(level=settings.log_level, format_=settings.log_format, process=process)
    return settings
