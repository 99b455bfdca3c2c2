"""The same worlds as the services' tests have."""

from tests.services.conftest import _module_world, plain_logs, shared_world, world

__all__ = ["_module_world", "plain_logs", "shared_world", "world"]
