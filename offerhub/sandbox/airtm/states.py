"""The life of a pay-in and of a payout at Airtm, as data.

Source: status enums of Airtm Enterprise v2. The steps between them are the sandbox's
choice where Airtm documents none.
"""

PAYIN_STATUSES = frozenset(
    {"CREATED", "PROCESSING", "CONFIRMED", "CANCELED", "FAILED", "BRIDGE_FAILED", "BRIDGE_CANCELED"}
)
PAYOUT_STATUSES = frozenset(
    {
        "CREATED",
        "COMMITTED",
        "PROCESSING",
        "PENDING_SIGNATURE",
        "SIGNED",
        "BRIDGE_CREATED",
        "PENDING",
        "PENDING_USER_ACTION",
        "BRIDGE_USER_SIGNUP_PENDING",
        "CANCEL_REQUESTED",
        "COMPLETED",
        "BRIDGE_COMPLETED",
        "COSMOEM_COMPLETED",
        "FAILED",
        "CANCELED",
        "ERROR",
        "BRIDGE_FAILED",
        "BRIDGE_MAX_RETRIES_REACHED",
    }
)
# Statuses that money hangs on: reached by an action only, never by merely showing them.
FINAL_STATUSES = frozenset({"CONFIRMED", "COMPLETED", "FAILED", "CANCELED"})

PAYIN_STEPS: dict[tuple[str, str], str] = {
    ("CREATED", "pay"): "PROCESSING",
    ("CREATED", "fail"): "FAILED",
    ("CREATED", "cancel"): "CANCELED",
    ("PROCESSING", "confirm"): "CONFIRMED",
    ("PROCESSING", "fail"): "FAILED",
    ("PROCESSING", "cancel"): "CANCELED",
    # Someone paid while the cancellation was on its way: it happens, so it can be played.
    ("CANCELED", "pay_late"): "PROCESSING",
}

PAYOUT_STEPS: dict[tuple[str, str], str] = {
    ("CREATED", "commit"): "COMMITTED",
    ("CREATED", "cancel"): "CANCELED",
    ("CREATED", "fail"): "FAILED",
    ("COMMITTED", "process"): "PROCESSING",
    ("COMMITTED", "wait"): "PENDING",
    ("COMMITTED", "complete"): "COMPLETED",
    ("COMMITTED", "fail"): "FAILED",
    ("COMMITTED", "cancel"): "CANCELED",
    ("PROCESSING", "wait"): "PENDING",
    ("PROCESSING", "complete"): "COMPLETED",
    ("PROCESSING", "fail"): "FAILED",
    ("PROCESSING", "cancel"): "CANCELED",
    ("PENDING", "process"): "PROCESSING",
    ("PENDING", "complete"): "COMPLETED",
    ("PENDING", "fail"): "FAILED",
    ("PENDING", "cancel"): "CANCELED",
}


class NotPossible(Exception):
    """The action does not exist in the current status."""

    def __init__(self, *, status: str, action: str) -> None:
        super().__init__(f"cannot {action} in status {status}")
        self.status = status
        self.action = action


def next_payin_status(status: str, action: str) -> str:
    """Raises: NotPossible."""
    return _next(PAYIN_STEPS, status, action)


def next_payout_status(status: str, action: str) -> str:
    """Raises: NotPossible."""
    return _next(PAYOUT_STEPS, status, action)


def _next(steps: dict[tuple[str, str], str], status: str, action: str) -> str:
    try:
        return steps[(status, action)]
    except KeyError:
        raise NotPossible(status=status, action=action) from None
