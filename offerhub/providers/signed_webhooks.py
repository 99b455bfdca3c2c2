"""Proof that a webhook is its sender's: Standard Webhooks signatures over the bytes as received.

Senders that go through Svix name their headers `svix-*`; the same values under `webhook-*` count
as well. Not here: what a body says (each adapter's `webhooks`), storing, applying.
Source: Standard Webhooks specification; Svix, "Verifying webhooks manually".
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Final

from offerhub.ports.webhooks import SignatureInvalid

TOLERANCE_S: Final = 300
_FAMILIES: Final = ("svix", "webhook")
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets begin with, not one
_SECRET_BYTES: Final = range(24, 65)
# Without a point in it, "id.timestamp.body" can be read in one way only.
_EVENT_ID: Final = re.compile(r"[!-\-/-~]{1,128}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_MOST_SIGNATURES: Final = 16


class SignedWebhooks:
    """Checks signatures with one secret.

    secret: the endpoint's `whsec_…`; empty or None means that nothing is ever accepted.
    Raises: ValueError for a malformed secret, without showing it.
    """

    def __init__(self, secret: str | None) -> None:
        self._key = _decode_secret(secret) if secret else None

    @property
    def configured(self) -> bool:
        return self._key is not None

    def event_id(self, headers: Mapping[str, str], body: bytes, *, now_s: int) -> str:
        """The id of a webhook whose raw bytes are signed; header names in any case.

        now_s: epoch seconds. Raises: SignatureInvalid.
        """
        if self._key is None:
            raise SignatureInvalid("no secret is configured")
        event_id, timestamp, signatures = _header_set(headers)
        if not _EVENT_ID.fullmatch(event_id):
            raise SignatureInvalid("the id is malformed")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise SignatureInvalid("the timestamp is malformed")
        if abs(now_s - int(timestamp)) > TOLERANCE_S:
            raise SignatureInvalid("the timestamp is more than 300 s away")
        signed = b".".join((event_id.encode(), timestamp.encode(), body))
        expected = hmac.digest(self._key, signed, hashlib.sha256)
        if not any(hmac.compare_digest(expected, given) for given in _digests(signatures)):
            raise SignatureInvalid("no signature matches")
        return event_id


def _header_set(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """(id, timestamp, signature), all of one family."""
    by_name = {name.lower(): value for name, value in headers.items()}
    for family in _FAMILIES:
        found = [by_name.get(f"{family}-{part}", "") for part in ("id", "timestamp", "signature")]
        if all(found):
            return found[0], found[1], found[2]
    raise SignatureInvalid("a signature header is missing")


def _digests(signatures: str) -> Iterator[bytes]:
    """The v1 digests in "v1,base64 v1,base64 …"; other versions and rubbish are passed over."""
    for entry in signatures.split(" ")[:_MOST_SIGNATURES]:
        version, _, encoded = entry.partition(",")
        if version != "v1":
            continue
        try:
            yield base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue


def _decode_secret(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    return key
