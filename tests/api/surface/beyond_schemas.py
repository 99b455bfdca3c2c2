"""What no schema can say: rules that refuse a request although it is valid by its form.

One by one, with the reason, and with a look at the request: a rule explains a refusal only when the
request breaks it. Everything else that is valid is refused for its subject's state alone, or for a
subject that is not there.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from offerhub.api.json_body import MAX_DEPTH, MAX_NUMBER_LENGTH, bad_text
from offerhub.api.schemas.fields import MAX_METADATA_BYTES
from offerhub.domain.errors import CATALOG
from offerhub.domain.money import MAX_STROOPS

# Codes that say that a request is not valid; the others are about what it asks for.
OF_FORM = {code for code, entry in CATALOG.items() if entry.status in {400, 405, 413, 415}}
STATUSES_OF_STATE = ("404", "409", "422")


@dataclass(frozen=True)
class Sent:
    """A request as it was generated. body: None when there is none."""

    operation: str
    body: Any
    query: dict[str, Any]

    def given(self, name: str) -> Any:
        """A field of the body; None when it is null or absent, which is the same."""
        return self.body.get(name) if isinstance(self.body, dict) else None


@dataclass(frozen=True)
class Rule:
    """operation: its id, or "" for any. field: the one that the refusal names, or "" for none.

    says: how its message begins.
    """

    reason: str
    operation: str
    field: str
    broken: Callable[[Sent], bool]
    code: str = "VALIDATION_ERROR"
    says: str = ""


def explained(sent: Sent, error: dict[str, Any]) -> bool:
    """Whether rules that the request breaks account for every complaint of a refusal."""
    without = {"field": "", "message": error["message"]}
    named = error["details"].get("fields") or [without]
    return all(
        any(
            rule.operation in {"", sent.operation}
            and rule.code == error["code"]
            and rule.field == bad["field"]
            and bad["message"].startswith(rule.says)
            and rule.broken(sent)
            for rule in RULES
        )
        for bad in named
    )


def _walk(value: Any, depth: int = 1) -> Iterator[tuple[Any, int]]:
    yield value, depth
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, depth
            yield from _walk(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)


def _unreadable(sent: Sent) -> bool:
    return any(
        depth > MAX_DEPTH
        or (isinstance(value, str) and bad_text(value))
        or (_is_number(value) and len(str(value)) > MAX_NUMBER_LENGTH)
        for value, depth in _walk(sent.body)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _odd_metadata(sent: Sent) -> bool:
    metadata = sent.given("metadata")
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    whole = (value for value, _ in _walk(metadata) if isinstance(value, int))
    return len(text.encode(errors="replace")) > MAX_METADATA_BYTES or any(
        abs(number) > MAX_STROOPS for number in whole
    )


def _milestones_amiss(sent: Sent) -> bool:
    parts = sent.given("milestones")
    if not parts:
        return False
    refs = Counter(part["milestone_ref"] for part in parts)
    together = sum(Decimal(part["amount"]) for part in parts)
    return max(refs.values()) > 1 or together != Decimal(sent.given("amount"))


def _split_amiss(sent: Sent) -> bool:
    """A SPLIT has both shares, and nothing else has any."""
    given = [sent.given(name) is not None for name in ("release_amount", "refund_amount")]
    return not all(given) if sent.given("decision") == "SPLIT" else any(given)


def _movement_amiss(sent: Sent) -> bool:
    """Fields of a movement that do not go together, whichever of them is named."""
    into = sent.given("direction") == "IN"
    on_chain = sent.given("rail") == "STELLAR"
    destination, toward = sent.given("destination"), sent.given("toward")
    return (
        (sent.given("transit") is not None and not into)
        or (toward is not None and (into or toward == sent.given("rail")))
        or (on_chain and into and sent.given("transit") is None)
        or (sent.given("memo") is not None and destination is None)
        or (destination is not None and (into or not on_chain))
    )


def _bound_and_wide(sent: Sent) -> bool:
    return sent.given("user_id") is not None and sent.given("scopes") not in (None, ["read"])


_TOGETHER = "Fields that depend on each other: JSON Schema could say it by conditions, which makers"
_TOGETHER += " of typed clients do not follow."

RULES = (
    Rule(
        "A cursor is opaque: only its list knows which it gave.",
        "", "cursor", lambda sent: "cursor" in sent.query, says="The cursor is not one",
    ),
    Rule(
        "A database can hold neither NUL nor half a character, wherever in a body it stands;"
        " and bounds for numbers and depth hold for all of it.",
        "", "", _unreadable, "INVALID_REQUEST",
    ),
    Rule(
        "The same for texts of a query.",
        "", "", lambda sent: any(bad_text(str(value)) for value in sent.query.values()),
        "INVALID_REQUEST",
    ),
    Rule(
        "Metadata are bounded in bytes as a whole, and in their numbers wherever they stand.",
        "", "metadata", _odd_metadata,
    ),
    Rule(
        "Two fields compared: nobody sells to themselves.",
        "create_order", "seller_id",
        lambda sent: sent.given("buyer_id") == sent.given("seller_id"),
    ),
    Rule(
        "A sum, and a field that is unique among objects.",
        "create_order", "milestones", _milestones_amiss,
    ),
    Rule(
        "The future begins at the clock.",
        "create_api_key", "expires_at", lambda sent: sent.given("expires_at") is not None,
        says="The expiry must be in the future.",
    ),
    Rule(_TOGETHER, "create_token", "scopes", _bound_and_wide, says="A token that is bound"),
    Rule(
        "A reference is used once for ever: a matter of what was sent before.",
        "adjust_balance", "reference", lambda sent: True, says="This reference was used before.",
    ),
    Rule(
        "The same for the treasury's.",
        "record_treasury_movement", "reference", lambda sent: True,
        says="This reference was used before.",
    ),
    Rule(
        "What is in transit is a matter of what was sent before.",
        "record_treasury_movement", "transit", lambda sent: sent.given("transit") is not None,
        says="Nothing is in transit",
    ),
    *(
        Rule(_TOGETHER, "record_treasury_movement", name, _movement_amiss)
        for name in ("transit", "toward", "direction", "memo", "destination")
    ),
    Rule(_TOGETHER, "resolve_dispute", "decision", _split_amiss),
    Rule(
        "The shares make up what is left in the escrow.",
        "resolve_dispute", "release_amount", lambda sent: sent.given("decision") == "SPLIT",
        says="The shares must add up",
    ),
    *(
        Rule(
            "A signature is over the very bytes, by a secret that two sides share.",
            operation, "", lambda sent: True, "WEBHOOK_SIGNATURE_INVALID",
        )
        for operation in ("receive_airtm", "receive_trustless_work")
    ),
)  # fmt: skip
