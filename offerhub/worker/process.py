"""The application of a worker process, opened once and shared by its jobs."""

from offerhub.services.context import App

_app: App | None = None


def use(app: App) -> None:
    """Make `app` the one that this process's jobs work with."""
    global _app
    _app = app


def app() -> App:
    """Raises: RuntimeError in a process that is not a worker of ours."""
    if _app is None:
        raise RuntimeError("this process has no application; start it by `offerhub worker`")
    return _app
