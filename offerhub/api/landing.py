"""Pages for people's browsers: the way back to the shop, or a friendly dead end.

A browser is only ever sent to a URL that the marketplace stored with the top-up; nothing in the
request can name another one.
"""

from collections.abc import Callable

from flask import Response

from offerhub.domain import ids
from offerhub.domain.errors import NotFound

_LOST = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Nothing here</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}
</style></head>
<body><h1>Nothing here</h1>
<p>This payment is not known. Go back to the shop and look at your balance there.</p></body></html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def landing_page(find: Callable[[], str], topup_id: str) -> Response:
    """Redirect to what `find` returns, or say that there is nothing."""
    try:
        if not ids.is_id(topup_id, ids.TOPUP):
            raise NotFound(code="TOPUP_NOT_FOUND")
        target = find()
    except NotFound:
        return html_page(_LOST, status=404, policy=_POLICY)
    response = Response(status=303)
    response.headers["Location"] = target
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.remove("Content-Type")
    return response


def html_page(text: str, *, policy: str, status: int = 200) -> Response:
    """A page that loads nothing from elsewhere."""
    response = Response(text, status=status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Frame-Options"] = "DENY"
    return response
