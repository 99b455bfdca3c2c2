"""The same worlds as the services' tests have."""

from tests.services.conftest import _module_world, shared_world, world

__all__ = ["_module_world", "shared_world", "world"]
