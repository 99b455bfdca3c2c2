"""Reading a request's fields by schema; every refusal is one error with all bad fields."""

from typing import Any, NoReturn

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from offerhub.api import errors, json_body
from offerhub.api.state import state


class StrictParser(FlaskParser):
    """Unknown fields are refused in bodies and in queries alike."""

    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": ma.RAISE,
        "query": ma.RAISE,
    }

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """The body that the pipeline parsed; it must be an object."""
        body = state().body
        if not isinstance(body, dict):
            raise json_body.InvalidRequest("The body must be a JSON object.")
        return body

    def handle_error(
        self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_: Any
    ) -> NoReturn:
        messages = error.messages
        if isinstance(messages, dict) and len(messages) == 1:
            messages = next(iter(messages.values()))  # the location is no part of a field's name
        raise errors.validation_error(messages) from error
