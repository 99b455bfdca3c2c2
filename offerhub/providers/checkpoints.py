"""Signing audit checkpoints with Ed25519, and keeping them in a file of their own.

The key is derived from a secret that the deployment has already, so there is none more to keep.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LABEL: Final = b"offerhub/audit-checkpoints/ed25519/v1"
_SEED_BYTES: Final = 32


class DerivedCheckpointKey:
    """`ports.checkpoints.CheckpointKey`, from a secret by HKDF (RFC 5869) under a label."""

    def __init__(self, secret: str) -> None:
        seed = HKDF(algorithm=hashes.SHA256(), length=_SEED_BYTES, salt=None, info=_LABEL).derive(
            secret.encode()
        )
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def __repr__(self) -> str:
        return f"DerivedCheckpointKey({self.public_key})"

    @property
    def public_key(self) -> str:
        return _text(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> str:
        return _text(self._key.sign(message))

    def verifies(self, message: bytes, *, signature: str, public_key: str) -> bool:
        try:
            key = Ed25519PublicKey.from_public_bytes(_bytes(public_key))
            key.verify(_bytes(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


class FileOfCheckpoints:
    """`ports.checkpoints.CheckpointFile` at a path; made with mode 0600, with its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"FileOfCheckpoints({str(self.path)!r})"

    def lines(self) -> list[str]:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        return _complete(text)

    def append(self, make: Callable[[str | None], str | None]) -> str | None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # From the descriptor that is locked: the path may be another file by now.
            before = _read(descriptor)
            kept = _complete(before)
            line = make(kept[-1] if kept else None)
            if line is None:
                return None
            torn = len(before) - (before.rfind(b"\n") + 1)
            if torn:  # a line whose writing was cut short was never a checkpoint
                os.ftruncate(descriptor, len(before) - torn)
            _write(descriptor, line.encode() + b"\n")
            os.fsync(descriptor)
            if not before:
                _sync_folder(self.path.parent)
            return line
        finally:
            os.close(descriptor)


def _complete(text: bytes) -> list[str]:
    lines = text.split(b"\n")[:-1]  # what follows the last newline is not finished
    return [line.decode("utf-8", errors="replace") for line in lines]


def _read(descriptor: int) -> bytes:
    size, parts, at = os.fstat(descriptor).st_size, [], 0
    while at < size:
        part = os.pread(descriptor, size - at, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    """A new file is there after a power cut only when its folder was written, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        padded = (text + "=" * (-len(text) % 4)).encode("ascii")
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise ValueError("not base64") from exc
