r"""Records what the API answers, for the examples of its description.

A shape of an answer that changes makes its example wrong. From the checkout,

    OFFERHUB_RECORD_EXAMPLES=1 .venv/bin/pytest -n 0 -m full -k "recorded and sqlite" \
        tests/api/surface/test_examples.py && ./run docs

writes `offerhub/api/pages/examples.json` and the description anew. Whatever is random or secret in
a recording is replaced: ids, addresses, hashes, times, keys, hosts.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Response, current_app, request
from stellar_sdk import StrKey

from offerhub.domain import ids
from tests.api.surface.market import Market

FIRST_MOMENT: Final = datetime(2026, 1, 10, 12, tzinfo=UTC)
SECRETS: Final = (
    (r"ohk_tok_[A-Za-z0-9_.=-]+", "ohk_tok_shown-once"),
    (r"ohk_(test|live)_[A-Za-z0-9_-]{65}", f"ohk_test_{'V1StGXR8_Z5jdHi6B-myT'}_{'x' * 43}"),
    (r"whsec_[A-Za-z0-9+/=]+", "whsec_c2hvd24gb25jZSwgYW5kIG5vdCBhIHJlYWwgb25lLg=="),
)
_ID: Final = re.compile(
    rf"\b({'|'.join(sorted(ids.PREFIXES))})_([0-9A-Za-z_-]{{21}})(?![0-9A-Za-z_-])"
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_CURSOR: Final = re.compile(r'("next_cursor": ")[A-Za-z0-9_-]{8,}"')


@dataclass
class Recorder:
    """`operations` by operation id: `request`, `answer`, and `final` of what was waited for."""

    operations: dict[str, dict[str, Any]] = field(default_factory=dict)

    def listen(self, flask_app: Any) -> None:
        flask_app.after_request_funcs.setdefault(None, []).append(self._note)

    def final(self, name: str, shown: dict[str, Any]) -> None:
        """What `Prefer: wait` would have answered with in the end."""
        first = self.operations[name]["answer"]
        data = {key: shown[key] for key in first["data"]}
        self.operations[name]["final"] = {**first, "data": data}

    def _note(self, response: Response) -> Response:
        name = current_app.view_functions[request.endpoint].__name__ if request.endpoint else ""
        if name and response.status_code < 300 and name not in self.operations:
            found = self.operations[name] = {}
            if request.method in {"POST", "PUT", "PATCH"}:
                found["request"] = json.loads(request.get_data() or b"{}")
            if response.mimetype == "application/json" and response.data:
                found["answer"] = json.loads(response.data)
        return response


def tidied(recording: Any, *, hosts: dict[str, str]) -> Any:
    """The recording with made-up values for all that is random. hosts: replacements for URLs."""
    text = json.dumps(recording, ensure_ascii=False)
    for pattern, instead in SECRETS:
        text = re.sub(pattern, instead, text)
    for host, instead in hosts.items():
        text = text.replace(host, instead)
    text = _renamed(text, _ID, lambda kind, seed: f"{kind}_{_letters(seed)}")
    text = _renamed(text, re.compile(r"\b([GC])[A-Z2-7]{55}\b"), _address)
    text = _renamed(text, re.compile(r"\b()[0-9a-f]{64}\b"), lambda _, seed: seed.hex())
    text = _renamed(
        text, re.compile(r"\b()[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
        lambda _, seed: str(uuid.UUID(bytes=seed[:16], version=4)),
    )  # fmt: skip
    text = _CURSOR.sub(r'\1WzE3NjgwNDY0MDAwMDAsICJvcmRfVjFTdEdYUjhfWjVqZEhpNkItbXlUIl0"', text)
    for name, usual in (
        ("api_key", 100),
        ("topups", 10),
        ("withdrawals", 5),
        ("failed_logins", 20),
    ):
        text = text.replace(f'"{name}": 1000000', f'"{name}": {usual}')
    text = re.sub(r'("user_agent": ")[^"]*', r"\1shop-backend/1.4", text)
    return json.loads(_moved(text))


def first_of_each(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The first event of each type, by type."""
    found: dict[str, Any] = {}
    for event in events:
        found.setdefault(event["event_type"], event)
    return dict(sorted(found.items()))


def whole_stream(market: Market) -> list[dict[str, Any]]:
    market.sequence()
    found: list[dict[str, Any]] = []
    cursor = "0"
    while cursor:
        page = market.api.get(f"/events?limit=100&cursor={cursor}").json
        found += page["data"]
        cursor = page["pagination"]["next_cursor"] or ""
    return found


def _renamed(text: str, pattern: re.Pattern[str], make: Callable[[str, bytes], str]) -> str:
    """Each different match becomes the same made-up value wherever it stands."""
    known: dict[str, str] = {}

    def instead(match: re.Match[str]) -> str:
        seed = hashlib.sha256(f"{match[1]}{len(known)}".encode()).digest()
        return known.setdefault(match[0], make(match[1], seed))

    return pattern.sub(instead, text)


def _letters(seed: bytes) -> str:
    return "".join(ids.ALPHABET[byte % len(ids.ALPHABET)] for byte in seed[: ids.LENGTH])


def _address(kind: str, seed: bytes) -> str:
    return StrKey.encode_contract(seed) if kind == "C" else StrKey.encode_ed25519_public_key(seed)


def _moved(text: str) -> str:
    """All times by as much, so that the first is a fixed one."""
    times = [datetime.fromisoformat(found) for found in _TIME.findall(text)]
    by: timedelta = FIRST_MOMENT - min(times)

    def instead(match: re.Match[str]) -> str:
        moment = datetime.fromisoformat(match[0]) + by
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    return _TIME.sub(instead, text)
