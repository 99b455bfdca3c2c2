"""A blueprint whose views are a stack of declarations and a service call.

`response` is the innermost decorator: it runs the view (a changing one in its transaction, with
its idempotent answer), puts the result in the envelope, and documents it. Schemas of answers are
for the documentation; services return exactly their fields, which tests compare.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint

from offerhub.api import execution
from offerhub.api.arguments import StrictParser
from offerhub.api.schemas.envelopes import enveloped


class Routes(Blueprint):
    """One noun's routes."""

    ARGUMENTS_PARSER = StrictParser()

    def response(
        self,
        status_code: int,
        schema: type[ma.Schema] | None = None,
        *,
        page: bool = False,
        **documented: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Answer with the view's dict, or Page, in the envelope; None answers without a body."""
        shape = enveloped(schema, page=page) if schema is not None else None
        document = super().response(status_code, shape, **documented)

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def run(*args: Any, **kwargs: Any) -> Response:
                return execution.run(view, args, kwargs, status=status_code)

            run._apidoc = document(view)._apidoc  # type: ignore[attr-defined]
            return run

        return decorate

    def documented(
        self, status_code: int, **described: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Document a view that makes its own response: streams, redirects, raw bodies."""
        return super().response(status_code, **described)
