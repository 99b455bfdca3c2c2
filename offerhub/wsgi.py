"""The WSGI application of one web process: `offerhub.wsgi:create_app()`, made after the fork."""

from typing import Any

from flask import Flask

from offerhub import bootstrap
from offerhub.api.app import create_app as create_api
from offerhub.services.context import App
from offerhub.worker.queues import RedisDoorbell, connect


def create_app(app: App | None = None, settings: Any = None) -> Flask:
    """The API of this process's deployment, or of the given parts and settings.

    Raises: InvalidSettings.
    """
    found = settings or bootstrap.read_settings()
    parts = app or bootstrap.build_app(
        found, doorbell=RedisDoorbell(connect(found.redis_url)), redis=connect(found.redis_url)
    )
    return create_api(
        parts,
        master_key=found.master_key.get_secret_value(),
        token_secret=found.token_secret.get_secret_value(),
        trusted_proxies=found.trusted_proxies,
    )
