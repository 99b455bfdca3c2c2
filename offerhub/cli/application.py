"""The application for a command that works on the deployment itself, without the API."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offerhub.services.context import Context


def operator_context() -> "Context":
    """A context that acts as the operator at this machine. Raises: Failure for bad settings."""
    import getpass

    from offerhub import logs
    from offerhub.bootstrap import build_app
    from offerhub.cli.deployment import read_settings
    from offerhub.services.context import Actor, Context

    settings = read_settings()
    logs.configure(level="warning", format_=settings.log_format, process="cli")
    return Context(build_app(settings), Actor("operator", getpass.getuser(), scopes=("admin",)))
