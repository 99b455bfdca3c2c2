"""The caller and the deployment."""

from typing import Any

from offerhub.api.access import CALLER, any_credentials
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import configuration as configuration_shapes
from offerhub.api.schemas import keys as shapes
from offerhub.api.state import current_context, principal
from offerhub.services import configuration

blp = Routes("account", __name__, description="The caller and the deployment")


@blp.route("/me", methods=["GET"])
@any_credentials(bound=CALLER)
@blp.response(200, shapes.Me)
def get_me() -> dict[str, Any]:
    """Read who is calling"""
    return configuration.me(current_context(), principal())


@blp.route("/config", methods=["GET"])
@any_credentials(bound=CALLER)
@blp.response(200, configuration_shapes.Configuration)
def get_config() -> dict[str, Any]:
    """Read features, limits, fees and providers"""
    return configuration.describe(current_context())
