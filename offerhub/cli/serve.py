"""`offerhub serve`: the API under gunicorn with gevent workers.

The application itself is made by `offerhub.wsgi`, in each worker, after the fork.
"""

import importlib
import resource
from pathlib import Path
from typing import Any, Final

import click

from offerhub.cli.exits import Failure

APPLICATION: Final = "offerhub.wsgi:create_app()"
REQUEST_CONNECTIONS: Final = 1000  # of one process, beside its event streams
OTHER_FILES: Final = 200  # of one process: database, Redis, logs, metrics
REQUEST_TIMEOUT_S: Final = 60
GRACEFUL_TIMEOUT_S: Final = 25
KEEPALIVE_S: Final = 5
BACKLOG: Final = 1024


@click.command()
def serve() -> None:
    """Run the API until it is told to stop; running requests are finished first."""
    from offerhub.cli.deployment import find_home, read_settings

    load(find_home())
    from offerhub import logs
    from offerhub.cli.wallet_keys import check_before_serving

    settings = read_settings()
    logs.configure(level=settings.log_level, format_=settings.log_format, process="api")
    check_before_serving(settings)
    # One process may happen to get all the streams, and still answers requests then.
    connections = settings.event_streams + REQUEST_CONNECTIONS
    allow_open_files(connections + OTHER_FILES)
    run_gunicorn(
        {
            "bind": settings.bind,
            "workers": settings.web_workers,
            "worker_class": "offerhub.cli.fair_worker.FairWorker",
            "worker_connections": connections,
            "timeout": REQUEST_TIMEOUT_S,
            "graceful_timeout": GRACEFUL_TIMEOUT_S,
            "keepalive": KEEPALIVE_S,
            "backlog": BACKLOG,
            "accesslog": None,
            "logger_class": "offerhub.cli.gunicorn_logs.PlainLogger",
            "proc_name": "offerhub-api",
            "control_socket_disable": True,
            "forwarded_allow_ips": "",
            "limit_request_line": 8190,
            "limit_request_fields": 100,
        }
    )


def allow_open_files(needed: int) -> None:
    """Raise this process's limit, which its workers inherit, as far as it must be.

    Raises: Failure when the system allows no more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Failure(
            f"the API needs up to {needed} open files in each process, and the system allows"
            f" {hard}: raise that (ulimit -Hn, LimitNOFILE) or lower OFFERHUB_EVENT_STREAMS"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def load(home: Path | None) -> None:
    """Patch for gevent and import the application, most of what a start costs.

    home: the deployment's folder; None where there is none. Settings are not read, and whatever
    else runs is left alone, so it can be called while an earlier API still serves; and twice.
    """
    from gevent import monkey  # type: ignore[import-untyped]

    monkey.patch_all()  # before anything else opens sockets, locks or TLS contexts

    from offerhub.cli import metrics_folder
    from offerhub.settings import paths

    metrics_folder.prepare(None if home is None else paths.run(home))
    importlib.import_module(APPLICATION.partition(":")[0])  # once, before the workers are forked


def run_gunicorn(options: dict[str, Any], application: str = APPLICATION) -> None:
    """Serve `application` (an import string) with these gunicorn options; returns never."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
    from gunicorn.util import import_app  # type: ignore[import-untyped]

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return import_app(application)

    Server().run()
