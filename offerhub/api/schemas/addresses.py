"""Addresses of a request: e-mail and web. Each is described by the expression that it is held to.

Not here: where a webhook may go (`providers.outgoing`), which takes a look at the network.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields, validate

from offerhub.api.edge import edge
from offerhub.domain.digits import up_to

MAX_URL: Final = 2048
MAX_EMAIL: Final = 254

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_HOST: Final = r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])"
_REST: Final = rf"(?::(?:{up_to(65_535)}))?(?:[/?#][!-\[\]-~]*)?"
_LOCAL: Final = "|".join(
    re.escape(f"[{host}]" if ":" in host else host).replace(r"\-", "-") for host in _LOOPBACK
)
EMAIL_PATTERN: Final = r"^[^\s\x00-\x20\x7f-\xa0\ufeff@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9.-]{1,189}$"
WEB_PATTERN: Final = rf"^https?://{_HOST}{_REST}$"
BROWSER_PATTERN: Final = rf"^(?:https://{_HOST}|http://(?:{_LOCAL})){_REST}$"

_EMAIL: Final = re.compile(EMAIL_PATTERN)
_WEB: Final = re.compile(WEB_PATTERN)


class EmailAddress(fields.String):
    """An address that looks like one; whether mail arrives is not our business."""

    def __init__(self, **more: Any) -> None:
        meta = {
            "format": "email",
            "pattern": EMAIL_PATTERN,
            "example": "ana@example.com",
            **more.pop("metadata", {}),
        }
        super().__init__(metadata=meta, validate=validate.Length(max=MAX_EMAIL), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not _EMAIL.fullmatch(text):
            raise ma.ValidationError("Not an e-mail address.")
        return text


class WebAddress(fields.String):
    """An absolute http or https URL in ASCII, without credentials in it."""

    described = WEB_PATTERN

    def __init__(self, **more: Any) -> None:
        meta = {"format": "uri", "pattern": self.described, **more.pop("metadata", {})}
        super().__init__(metadata=meta, validate=validate.Length(max=MAX_URL), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not _is_web_address(text):
            raise ma.ValidationError("Not an absolute http or https URL.")
        return text


class BrowserAddress(WebAddress):
    """Where a user's browser is sent: https, or http on this machine outside production."""

    described = BROWSER_PATTERN

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        parts = urlsplit(text)
        local = parts.hostname in _LOOPBACK and edge().app.policy.environment != "production"
        if parts.scheme != "https" and not local:
            raise ma.ValidationError("The URL must begin with https://.")
        return text


def _is_web_address(text: str) -> bool:
    """What the pattern says, and what only a reader of URLs can tell of `[…]` in the host's place.

    A scheme in capitals is the same scheme, but no client writes it so: it is not described.
    """
    scheme, mark, rest = text.partition("://")
    if not _WEB.fullmatch(f"{scheme.lower()}{mark}{rest}"):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False
