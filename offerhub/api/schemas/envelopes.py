"""The envelope around every answer, for the documentation; and what requests have in common."""

from functools import cache
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields

from offerhub.api.schemas.fields import (
    Formed,
    QueryWhole,
    shown_object,
    shown_or_null,
    shown_text,
    shown_time,
    without_nulls,
)

CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]+$"  # base64 for addresses, as lists give it


class Body(ma.Schema):
    """A request's body: unknown fields are refused, and null is the same as absent."""

    class Meta:
        unknown = ma.RAISE

    @ma.post_load
    def _drop_nulls(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return without_nulls(data)


class Query(ma.Schema):
    """Parameters of a query."""

    class Meta:
        unknown = ma.RAISE


class PageQuery(Query):
    """Which page of a list."""

    limit = QueryWhole(
        least=1, most=100, load_default=20, metadata={"description": "Rows per page."}
    )
    cursor = Formed(
        CURSOR_PATTERN,
        most=512,
        problem="The cursor is not one that this list gave.",
        metadata={"description": "`next_cursor` of the page before; opaque."},
    )


class Meta(ma.Schema):
    request_id = shown_text(example="req_V1StGXR8_Z5jdHi6B-myT")
    timestamp = shown_time()


class Pagination(ma.Schema):
    has_more = fields.Boolean(required=True)
    next_cursor = shown_or_null(description="Send it as `cursor` for the next page.")


class FieldProblem(ma.Schema):
    field = shown_text(example="amount")
    message = shown_text()


class ErrorBody(ma.Schema):
    code = shown_text(example="VALIDATION_ERROR")
    message = shown_text()
    details = shown_object(
        description="What helps to act on the error; `fields` lists bad fields of the request."
    )
    request_id = shown_text(example="req_V1StGXR8_Z5jdHi6B-myT")


class Problem(ma.Schema):
    error = fields.Nested(ErrorBody, required=True)


@cache
def enveloped(schema: type[ma.Schema], *, page: bool) -> type[ma.Schema]:
    """The schema of an answer, or of a page of answers, with its envelope."""
    name = schema.__name__
    if page:
        return type(
            f"{name}Page",
            (ma.Schema,),
            {
                "data": fields.List(fields.Nested(schema), required=True),
                "pagination": fields.Nested(Pagination, required=True),
                "meta": fields.Nested(Meta, required=True),
            },
        )
    return type(
        f"{name}Answer",
        (ma.Schema,),
        {
            "data": fields.Nested(schema, required=True),
            "meta": fields.Nested(Meta, required=True),
        },
    )
