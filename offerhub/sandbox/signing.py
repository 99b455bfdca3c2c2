"""Standard Webhooks signatures, from the sender's side.

Source: Standard Webhooks specification; Airtm names Svix as its webhook partner.
"""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


class InvalidSecret(ValueError):
    """Not `whsec_` and base64 of 24 to 64 bytes."""


def key_of(secret: str) -> bytes:
    """The HMAC key inside a secret: the decoded bytes, not the text. Raises: InvalidSecret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSecret("the part after whsec_ is not base64") from error
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise InvalidSecret("a webhook secret is whsec_ and base64 of 24 to 64 bytes")
    return key


def sign(*, key: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of id, timestamp and the exact bytes of the body."""
    content = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def corrupted(signature: str) -> str:
    """The same signature with one bit wrong, so that it must be refused."""
    version, _, encoded = signature.partition(",")
    digest = bytearray(base64.b64decode(encoded))
    digest[0] ^= 1
    return f"{version},{base64.b64encode(bytes(digest)).decode()}"
