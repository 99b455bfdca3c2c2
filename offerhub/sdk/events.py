"""The event stream, live or page by page."""

from collections.abc import Iterator, Sequence
from typing import Any

from offerhub.sdk.errors import EventsLost
from offerhub.sdk.models import Event
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.resources import Resources
from offerhub.sdk.stream import SILENCE_S, EventStream, Reset


class Events(Resources):
    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after: int | None = None,
        types: Sequence[str] | None = None,
        resource_types: Sequence[str] | None = None,
        user_id: str | None = None,
    ) -> Page[Event]:
        """One page of the retained history, oldest first, as JSON.

        `types` are names or patterns such as `order.*`. `after`: a `sequence` to start behind,
        instead of a cursor; positions of the stream are cursors too.
        """
        if after is not None:
            cursor = str(after)
        filters = {"limit": limit, **_filters(types, resource_types, user_id)}
        return read_page(self._asking("/events"), Event.from_json, filters=filters, cursor=cursor)

    def iterate(
        self, *, types: Sequence[str] | None = None, user_id: str | None = None
    ) -> Iterator[Event]:
        """The whole retained history, a hundred events per request."""
        return self.list(limit=100, types=types, user_id=user_id).every_item()

    def stream(
        self,
        *,
        after: int | None = None,
        types: Sequence[str] | None = None,
        resource_types: Sequence[str] | None = None,
        user_id: str | None = None,
        silence_s: float = SILENCE_S,
        max_attempts: int | None = None,
    ) -> EventStream:
        """Events as they happen, with markers about the link; reconnects for ever by default.

        `after`: the `sequence` of the last event that you have dealt with; 0 for all that is
        retained; None for from now on. `silence_s`: a link without event or heartbeat for so
        long is dead. `max_attempts`: give up after so many failed connections in a row.
        """
        return EventStream(
            self._http,
            after=after,
            filters=_filters(types, resource_types, user_id),
            silence_s=silence_s,
            max_attempts=max_attempts,
        )

    def listen(
        self,
        *,
        after: int | None = None,
        types: Sequence[str] | None = None,
        resource_types: Sequence[str] | None = None,
        user_id: str | None = None,
        max_attempts: int | None = None,
    ) -> Iterator[Event]:
        """Only the events of `stream`.

        Raises: EventsLost when the server no longer has what follows `after`.
        """
        stream = self.stream(
            after=after,
            types=types,
            resource_types=resource_types,
            user_id=user_id,
            max_attempts=max_attempts,
        )
        with stream:
            for item in stream:
                if isinstance(item, Event):
                    yield item
                elif isinstance(item, Reset):
                    raise EventsLost(
                        "the stream cannot be resumed; read what you need afresh",
                        oldest_sequence=item.oldest_sequence,
                    )


def _filters(
    types: Sequence[str] | None, resource_types: Sequence[str] | None, user_id: str | None
) -> dict[str, Any]:
    return {
        "types": ",".join(types) if types else None,
        "resource_types": ",".join(resource_types) if resource_types else None,
        "user_id": user_id,
    }
