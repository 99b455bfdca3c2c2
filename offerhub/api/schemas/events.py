"""Events, and the filters of their stream."""

from typing import Any

import marshmallow as ma
from marshmallow import Schema, fields
from webargs.fields import DelimitedList

from offerhub.api.events import MAX_POSITION_DIGITS, POSITION_PATTERN
from offerhub.api.schemas.envelopes import Query
from offerhub.api.schemas.fields import (
    Formed,
    Id,
    QueryWhole,
    shown_choice,
    shown_object,
    shown_or_null,
    shown_text,
    shown_time,
)
from offerhub.domain import ids
from offerhub.domain.events import AGGREGATES, EVENT_TYPES, PATTERN, expand

MAX_PATTERNS = 50


def named_pattern() -> fields.String:
    """One pattern of event types. Who uses it expands it, which refuses what matches nothing."""
    return fields.String(metadata={"pattern": PATTERN})


class EventQuery(Query):
    limit = QueryWhole(
        least=1, most=100, load_default=20, metadata={"description": "Rows of a JSON page."}
    )
    cursor = Formed(
        POSITION_PATTERN,
        most=MAX_POSITION_DIGITS,
        problem="Not a position of the event stream.",
        metadata={"description": "Continue after this position of the stream; 0 is the beginning."},
    )
    user_id = Id(ids.USER)
    types = DelimitedList(
        named_pattern(),
        validate=ma.validate.Length(min=1, max=MAX_PATTERNS),
        metadata={"description": "Event types or patterns, separated by commas: `order.*`."},
    )
    resource_types = DelimitedList(
        fields.String(validate=ma.validate.OneOf(AGGREGATES)),
        validate=ma.validate.Length(min=1, max=len(AGGREGATES)),
        metadata={"description": "Kinds of resources, separated by commas."},
    )

    @ma.validates("types")
    def _known(self, value: list[str], **_: Any) -> None:
        try:
            expand(value)
        except ValueError as error:
            raise ma.ValidationError(str(error)) from error


class EventMetadata(Schema):
    correlation_id = shown_or_null(description="The request that caused the event.")
    causation_id = shown_or_null()
    user_ids = fields.List(shown_text(), required=True)
    marketplace_id = shown_text()


class Event(Schema):
    event_id = shown_text(example="evt_V1StGXR8_Z5jdHi6B-myT")
    event_type = shown_choice(EVENT_TYPES)
    occurred_at = shown_time()
    aggregate_id = shown_text()
    aggregate_type = shown_choice(AGGREGATES)
    sequence = fields.Integer(required=True, metadata={"description": "The stream position."})
    payload = shown_object()
    metadata = fields.Nested(EventMetadata, required=True)
