"""Checkpoints of the audit chain: writing them, and holding the chain against them.

A checkpoint is a line of JSON: the chain's newest number and hash at a time, the hash of the line
before it in its file, and the signature over all that.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from offerhub.domain.differences import Difference
from offerhub.ports.checkpoints import CheckpointFile, CheckpointKey
from offerhub.services import discrepancies
from offerhub.services.context import Context
from offerhub.services.representations import timestamp
from offerhub.store import audit as store
from offerhub.store.database import atomic, snapshot
from offerhub.store.fields import canonical

log = structlog.get_logger(__name__)

FORMAT = 1
REWRITTEN = Difference.AUDIT_REWRITTEN.value
_FIELDS = {
    "at": str, "format": int, "hash": str, "marketplace_id": str, "number": int,
    "previous": str | None, "public_key": str, "signature": str,
}  # fmt: skip


class ChainRewritten(Exception):
    """The chain is not the one that the newest checkpoint was made of. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One line of a file, read: `problem` says why it is worth nothing."""

    line: int
    number: int
    hash: str
    at: str
    problem: str | None = None


def write(ctx: Context, file: CheckpointFile, *, unchanged_too: bool = False) -> str | None:
    """Append a checkpoint of the chain's head; the line, or None when there is nothing new.

    unchanged_too: also when the newest checkpoint is of the same head.
    Raises: ChainRewritten; OSError.
    """

    def make(newest: str | None) -> str | None:
        with snapshot():
            head = store.last_seal()
            if newest is not None:
                _refuse_another_chain(newest, head)
        if head is None or (not unchanged_too and newest and _number(newest) == head.number):
            return None
        body = {
            "at": timestamp(ctx.now_ms()),
            "format": FORMAT,
            "hash": head.hash,
            "marketplace_id": ctx.app.policy.marketplace_id,
            "number": head.number,
            "previous": None if newest is None else _line_hash(newest),
            "public_key": ctx.app.checkpoint_key.public_key,
        }
        signature = ctx.app.checkpoint_key.sign(canonical(body).encode())
        return canonical({**body, "signature": signature})

    return file.append(make)


def write_regularly(ctx: Context) -> bool:
    """The clock's part: into the deployment's own file; whether a line was written.

    A chain that was rewritten, or a file that cannot be written, is logged as an error, every
    time, until somebody looks at it; the former is a difference among the dead letters, too.
    """
    file = ctx.app.checkpoint_file
    try:
        return file is not None and write(ctx, file) is not None
    except ChainRewritten as error:
        log.error("audit.rewritten", reason=str(error))
        with atomic():
            discrepancies.record(
                ctx, kind=REWRITTEN, subject="audit_chain", subject_type="audit", ours=None,
                theirs=None, detail={"place": "audit checkpoints", "problem": str(error)},
            )  # fmt: skip
    except OSError as error:
        log.error("audit.no_checkpoint", reason=str(error))
    return False


def kept(ctx: Context) -> list[str] | None:
    """The lines of the deployment's own file; None where there is none, or it cannot be read."""
    file = ctx.app.checkpoint_file
    try:
        return (file.lines() or None) if file is not None else None
    except OSError as error:
        log.error("audit.no_checkpoint", reason=str(error))
        return None


def read(
    lines: Sequence[str], *, key: CheckpointKey, marketplace_id: str, trusted: Collection[str]
) -> list[Checkpoint]:
    """Every line as a checkpoint. Signatures count of the deployment's key and `trusted` ones."""
    found: list[Checkpoint] = []
    previous: str | None = None
    newest = 0
    for place, text in enumerate(lines, start=1):
        body = _parse(text)
        if body is None:
            found.append(Checkpoint(place, 0, "", "", "it is not a checkpoint"))
        else:
            problem = _problem(body, key=key, marketplace_id=marketplace_id, trusted=trusted)
            # The first line may follow lines that were archived; all others follow the one before.
            if problem is None and place > 1 and body["previous"] != previous:
                problem = "it does not follow the line before it"
            if problem is None and body["number"] < newest:
                problem = "its number is lower than one before it"
            found.append(Checkpoint(place, body["number"], body["hash"], body["at"], problem))
            newest = max(newest, body["number"])
        previous = _line_hash(text)
    return found


def compare(
    found: Sequence[Checkpoint],
    *,
    hashes: Mapping[int, str],
    head_number: int,
    older: bool = False,
) -> dict[str, Any]:
    """The chain against its checkpoints; `first_broken` is the first line that does not hold.

    hashes: the chain's, by number, at least at the checkpoints' numbers. older: the chain is of a
    backup, and lines that were written after it say nothing about it.
    """
    if older:
        found = [one for one in found if one.problem is not None or one.number <= head_number]
    newest = found[-1] if found else None
    report: dict[str, Any] = {
        "checked": len(found),
        "newest": {"number": newest.number, "at": newest.at} if newest else None,
        "first_broken": None,
    }
    for one in found:
        problem = one.problem
        if problem is None and one.number > head_number:
            problem = f"the chain ends at {head_number}, and once had {one.number} links"
        if problem is None and hashes.get(one.number) != one.hash:
            problem = f"link {one.number} had another hash then"
        if problem is not None:
            report["first_broken"] = {"line": one.line, "problem": problem}
            break
    return report


def _problem(
    body: dict[str, Any], *, key: CheckpointKey, marketplace_id: str, trusted: Collection[str]
) -> str | None:
    if body["format"] != FORMAT:
        return f"its format {body['format']} is not known"
    if body["marketplace_id"] != marketplace_id:
        return f"it is of another marketplace, {body['marketplace_id']}"
    if body["public_key"] not in {key.public_key, *trusted}:
        return f"it is signed by an unknown key, {body['public_key']}"
    unsigned = {name: value for name, value in body.items() if name != "signature"}
    if not key.verifies(
        canonical(unsigned).encode(), signature=body["signature"], public_key=body["public_key"]
    ):
        return "its signature is not right"
    return None


def _refuse_another_chain(newest: str, head: store.AuditSeal | None) -> None:
    body = _parse(newest)
    if body is None:
        raise ChainRewritten("the newest line of the file is not a checkpoint")
    if head is None or head.number < body["number"]:
        ends = head.number if head else 0
        raise ChainRewritten(f"the chain ends at {ends}, and once had {body['number']} links")
    if store.hash_of(body["number"]) != body["hash"]:
        raise ChainRewritten(f"link {body['number']} had another hash at {body['at']}")


def _parse(text: str) -> dict[str, Any] | None:
    """The fields of a line, all there and of their types; None otherwise."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or body.keys() != _FIELDS.keys():
        return None
    right = (isinstance(body[name], kind) for name, kind in _FIELDS.items())
    return body if all(right) and not isinstance(body["number"], bool) else None


def _number(text: str) -> int:
    body = _parse(text)
    return int(body["number"]) if body else 0


def _line_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
