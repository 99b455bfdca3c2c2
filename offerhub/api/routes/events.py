"""The event stream, live or as pages."""

from typing import Any

from flask import Response

from offerhub.api import events as reading
from offerhub.api import sse
from offerhub.api.access import filter_user, require_scope
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import events as shapes
from offerhub.domain.scopes import READ
from offerhub.services.context import Page

blp = Routes("events", __name__, url_prefix="/events", description="Everything that happened")


@blp.route("", methods=["GET"])
@require_scope(READ, bound=filter_user())
@blp.arguments(shapes.EventQuery, location="query")
@blp.response(200, shapes.Event, page=True)
def list_events(query: dict[str, Any]) -> Page | Response:
    """Read or follow the events

    A JSON page in order; with `Accept: text/event-stream` a live stream, which resumes after the
    position in `Last-Event-ID` or `cursor`.
    """
    return sse.open_stream(query) if sse.is_wanted() else reading.page(query)
