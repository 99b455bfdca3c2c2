"""How states look: a symbol, the word, and a tone that the theme turns into a colour.

The symbols exist in the character set of a Linux console. Colour never carries meaning alone.
"""

from typing import Final

GOOD, BUSY, WAITING, TROUBLE, ENDED = "good", "busy", "waiting", "trouble", "ended"
TONES: Final = (GOOD, BUSY, WAITING, TROUBLE, ENDED)

SYMBOLS: Final = {GOOD: "■", BUSY: "►", WAITING: "○", TROUBLE: "▲", ENDED: "·", "": " "}

_BY_TONE: Final = {
    GOOD: "IN_PROGRESS RELEASED SUCCEEDED COMPLETED ACTIVE FUNDED SETTLED healthy LIVE",
    BUSY: "ESCROW_CREATING ESCROW_FUNDING ESCROW_FUNDED RELEASE_REQUESTED REFUND_REQUESTED"
    " PROCESSING PENDING COMMITTED CREATING FUNDING RELEASING REFUNDING CONNECTING UNDER_REVIEW",
    WAITING: "ORDER_CREATED CREATED FUNDS_RESERVED AWAITING_USER_CONFIRMATION"
    " PENDING_USER_ACTION PENDING_VERIFICATION OPEN STALE unknown",
    TROUBLE: "DISPUTED FAILED STUCK SUSPENDED degraded unhealthy OFFLINE EXPIRED REVOKED",
    ENDED: "CLOSED CANCELED REFUNDED SPLIT RESOLVED",
}

_TONE_OF: Final = {state: tone for tone, states in _BY_TONE.items() for state in states.split()}
_PREFIXES: Final = ("TOPUP_", "WITHDRAWAL_")


def short(state: str) -> str:
    """The word without the resource's name in front, as its own screen shows it."""
    for prefix in _PREFIXES:
        state = state.removeprefix(prefix)
    return state


def tone_of(state: str) -> str:
    """The tone of a state; "" for one that this version does not know."""
    return _TONE_OF.get(short(state), "")


def label(state: str, *, resolution: str | None = None) -> str:
    """Symbol and word, such as `► ESCROW_FUNDING` or `· CLOSED (RELEASED)`."""
    word = short(state)
    if resolution:
        word = f"{word} ({resolution})"
    return f"{SYMBOLS[tone_of(state)]} {word}"


def event_tone(event_type: str) -> str:
    """A tone for an event, by what its last word says."""
    word = event_type.rpartition(".")[2]
    if word in ("failed", "stuck", "disputed", "opened", "discrepancy_detected", "suspended"):
        return TROUBLE
    if word in ("succeeded", "completed", "released", "credited", "in_progress", "funded"):
        return GOOD
    if word in ("closed", "canceled", "refunded", "resolved", "revoked"):
        return ENDED
    return BUSY
