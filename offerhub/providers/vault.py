"""Wallet seeds at rest: envelope encryption with key-encryption keys that the operator holds.

Every seed has its own data key; the data key is wrapped by a key-encryption key (KEK) chosen by id.
Both layers are AES-256-GCM and bound to the row they belong to, so a sealed text that is copied to
another row does not open. Rotation rewraps the data key and never sees the seed.

Not here: where KEKs come from (settings) and where sealed texts are kept (the store).
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from stellar_sdk import Keypair

from offerhub.ports.chain import SigningKey

VERSION: Final = "ohv1"
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_FINGERPRINT_LABEL: Final = b"offerhub/wallet-key/fingerprint/v1/"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


class EnvelopeVault:
    """`ports.chain.Vault` over KEKs in memory. `active` seals; every key in `keks` opens."""

    def __init__(self, keks: Mapping[str, bytes], *, active: str) -> None:
        """Raises: ValueError for a key that is not 32 bytes, a malformed id, or no `active` key."""
        for key_id, kek in keks.items():
            if not _KEY_ID.fullmatch(key_id):
                raise ValueError("a wallet key id is 1 to 32 letters, digits, '-' or '_'")
            if len(kek) != KEY_BYTES:
                raise ValueError(f"wallet key {key_id} must be {KEY_BYTES} bytes")
        if active not in keks:
            raise ValueError(f"the active wallet key {active} is not among the keys")
        self._keks = dict(keks)
        self._active = active

    def __repr__(self) -> str:
        return f"EnvelopeVault(active={self._active!r}, keys={sorted(self._keks)})"

    @property
    def active(self) -> str:
        """The id of the KEK that new seeds are sealed under."""
        return self._active

    def fingerprints(self) -> dict[str, str]:
        """Every KEK by id, as 16 hexadecimal digits that do not lead back to it."""
        return {
            key_id: hashlib.sha256(_FINGERPRINT_LABEL + kek).hexdigest()[:16]
            for key_id, kek in self._keks.items()
        }

    def new_key(self, *, binding: str) -> tuple[str, str]:
        """(address, sealed seed) of a fresh random key; `binding` names the row it belongs to."""
        keypair = Keypair.random()
        return keypair.public_key, self._seal(keypair.raw_secret_key(), binding)

    def open(self, sealed: str, *, binding: str) -> SigningKey:
        """The plaintext key, for one signature.

        Raises: ValueError when it was sealed for another row, under an unknown key, or altered.
        """
        key_id, wrapped, body = _split(sealed)
        data_key = self._unwrap(key_id, wrapped, binding)
        seed = _decrypt(data_key, body, _body_context(binding))
        keypair = Keypair.from_raw_ed25519_seed(seed)
        return SigningKey(address=keypair.public_key, seed=keypair.secret)

    def seal_text(self, text: str, *, binding: str) -> str:
        """Any other secret of a row, such as the signing secret of a webhook endpoint."""
        return self._seal(text.encode(), binding)

    def open_text(self, sealed: str, *, binding: str) -> str:
        """The secret text. Raises: ValueError as `open` does."""
        key_id, wrapped, body = _split(sealed)
        data_key = self._unwrap(key_id, wrapped, binding)
        return _decrypt(data_key, body, _body_context(binding)).decode()

    def key_id(self, sealed: str) -> str:
        """Which KEK a sealed text needs. Raises: ValueError when it is not one of ours."""
        return _split(sealed)[0]

    def rewrap(self, sealed: str, *, binding: str) -> str:
        """The same seed under the active KEK; the text itself when it is there already.

        The seed is never decrypted. Raises: ValueError as `open` does.
        """
        key_id, wrapped, body = _split(sealed)
        data_key = self._unwrap(key_id, wrapped, binding)
        if key_id == self._active:
            return sealed
        return self._join(data_key, body, binding)

    def _seal(self, seed: bytes, binding: str) -> str:
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        return self._join(data_key, _encrypt(data_key, seed, _body_context(binding)), binding)

    def _join(self, data_key: bytes, body: bytes, binding: str) -> str:
        kek = self._keks[self._active]
        wrapped = _encrypt(kek, data_key, _wrap_context(binding, self._active))
        return f"{VERSION}.{self._active}.{_text(wrapped)}.{_text(body)}"

    def _unwrap(self, key_id: str, wrapped: bytes, binding: str) -> bytes:
        kek = self._keks.get(key_id)
        if kek is None:
            raise ValueError(f"this seed is sealed under the wallet key {key_id}, which is not set")
        return _decrypt(kek, wrapped, _wrap_context(binding, key_id))


def _wrap_context(binding: str, key_id: str) -> bytes:
    return f"{VERSION}|key|{binding}|{key_id}".encode()


def _body_context(binding: str) -> bytes:
    # Without the key id: a rotation must be able to keep the body as it is.
    return f"{VERSION}|seed|{binding}".encode()


def _encrypt(key: bytes, plain: bytes, context: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def _decrypt(key: bytes, data: bytes, context: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as exc:
        raise ValueError("a sealed seed does not open: altered, or sealed for another row") from exc


def _split(sealed: str) -> tuple[str, bytes, bytes]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != VERSION or not _KEY_ID.fullmatch(parts[1]):
        raise ValueError("this is not a sealed wallet seed of a known version")
    return parts[1], _bytes(parts[2]), _bytes(parts[3])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        padded = (text + "=" * (-len(text) % 4)).encode("ascii")
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise ValueError("a sealed wallet seed is damaged") from exc
    # One text per value: spare bits at the end of base64 would let an altered text pass.
    if _text(data) != text:
        raise ValueError("a sealed wallet seed is damaged")
    return data
