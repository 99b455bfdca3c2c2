"""The API's own description, for machines and for people; it works without the internet."""

from functools import cache
from importlib import resources

from flask import Response, current_app

from offerhub.api.access import public
from offerhub.api.blueprint import Routes
from offerhub.api.landing import html_page
from offerhub.api.openapi import as_text

blp = Routes("documentation", __name__, description="This document")

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


@blp.route("/openapi.json", methods=["GET"])
@public()
@blp.documented(200, description="OpenAPI 3.1.")
def get_openapi() -> Response:
    """Read this document"""
    response = Response(_document(), mimetype="application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@blp.route("/docs", methods=["GET"])
@public()
@blp.documented(200, content_type="text/html", description="A page.")
def get_docs() -> Response:
    """Browse this document"""
    return html_page(_file("reference.html"), policy=_POLICY)


@blp.route("/docs/reference.js", methods=["GET"])
@public()
@blp.documented(200, content_type="text/javascript", description="The page's script.")
def get_docs_script() -> Response:
    """Load the script of the documentation page"""
    return Response(_file("reference.js"), mimetype="text/javascript")


@cache
def _file(name: str) -> str:
    return resources.files("offerhub.api.pages").joinpath(name).read_text(encoding="utf-8")


def _document() -> str:
    """The text of the document, made once per application."""
    made = current_app.extensions.get("offerhub.openapi")
    if made is None:
        api = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
        made = as_text(api)
        current_app.extensions["offerhub.openapi"] = made
    return str(made)
