"""The contract's table of endpoints, written by hand: the second list, held against the code.

A row is a method and a path, the scope, whether tokens bound to a user are let in, what
idempotency keys are (`required`, `optional`, or "" where none is taken), and a valid body.
"""

from dataclasses import dataclass
from typing import Any

OPEN, ANY = "none", "any"
READ, WRITE, SUPPORT, ADMIN = "read", "write", "support", "admin"

USER = "usr_000000000000000000000"
OTHER_USER = "usr_000000000000000000001"
ORDER = "ord_000000000000000000000"
NAMES = {
    "key_id": "key_000000000000000000000",
    "user_id": USER,
    "topup_id": "topup_000000000000000000000",
    "order_id": ORDER,
    "milestone_ref": "draft",
    "dispute_id": "dsp_000000000000000000000",
    "withdrawal_id": "wd_000000000000000000000",
    "endpoint_id": "whe_000000000000000000000",
    "delivery_id": "whd_000000000000000000000",
    "letter_id": "whd_000000000000000000000",
    "operation_id": "opn_000000000000000000000",
    "reconciliation_id": "rec_000000000000000000000",
}


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    scope: str
    bound: bool = False
    key: str = ""
    body: dict[str, Any] | None = None
    query: str = ""
    always: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        """The path with ids that nothing has, and a query if one is needed."""
        return self.path.format(**NAMES) + self.query

    @property
    def changes(self) -> bool:
        return self.method != "GET"


def _get(path: str, scope: str, *, bound: bool = False) -> Row:
    return Row("GET", path, scope, bound)


def _post(path: str, scope: str, key: str, **body: Any) -> Row:
    return Row("POST", path, scope, key=key, body=body)


_RETURN = "https://shop.example/done"
_MONEY = {"amount": "10.00", "reason": "correction", "reference": "row-1"}

ROWS = (
    _get("/health", OPEN),
    _get("/health/live", OPEN),
    _get("/health/ready", OPEN),
    _get("/openapi.json", OPEN),
    _get("/docs", OPEN),
    _get("/docs/reference.js", OPEN),
    _get("/metrics", OPEN),
    _get("/topups/{topup_id}/return", OPEN),
    _get("/topups/{topup_id}/cancel", OPEN),
    Row("POST", "/webhooks/airtm", OPEN),
    Row("POST", "/webhooks/trustless-work", OPEN),
    _get("/me", ANY, bound=True),
    _get("/config", ANY, bound=True),
    _post("/auth/api-keys", ADMIN, "optional", name="backend", scopes=["admin"]),
    _get("/auth/api-keys", ADMIN),
    Row("DELETE", "/auth/api-keys/{key_id}", ADMIN),
    _post("/auth/api-keys/{key_id}/token", ANY, "optional", ttl_seconds=60),
    _post("/users", WRITE, "optional", external_user_id="ana", type="BUYER"),
    _get("/users", READ),
    _get("/users/{user_id}", READ, bound=True),
    Row("PATCH", "/users/{user_id}", WRITE, body={"email": "ana@example.com"}),
    _post("/users/{user_id}/airtm/link", WRITE, "optional", email="buyer@example.com"),
    _get("/users/{user_id}/balance", READ, bound=True),
    _get("/users/{user_id}/ledger", READ, bound=True),
    _post("/users/{user_id}/balance/sync", WRITE, "optional"),
    _post(
        "/users/{user_id}/balance/adjustments", ADMIN, "required", direction="CREDIT", **_MONEY
    ),
    _get("/users/{user_id}/wallet", READ, bound=True),
    _get("/users/{user_id}/wallet/deposit", READ, bound=True),
    _get("/users/{user_id}/wallet/transactions", READ, bound=True),
    _post(
        "/topups", WRITE, "required",
        user_id=USER, amount="10.00", return_url=_RETURN, cancel_url=_RETURN,
    ),
    _get("/topups", READ, bound=True),
    _get("/topups/{topup_id}", READ, bound=True),
    _post("/topups/{topup_id}/refresh", WRITE, "optional"),
    _post("/topups/{topup_id}/cancel", WRITE, "optional"),
    _post(
        "/orders", WRITE, "required",
        buyer_id=USER, seller_id=OTHER_USER, amount="10.00", title="Logo",
    ),
    _get("/orders", READ, bound=True),
    _get("/orders/{order_id}", READ, bound=True),
    _post("/orders/{order_id}/reserve", WRITE, "required"),
    _post("/orders/{order_id}/cancel", WRITE, "required"),
    _post("/orders/{order_id}/escrow", WRITE, "required"),
    _post("/orders/{order_id}/escrow/fund", WRITE, "required"),
    _post("/orders/{order_id}/release", WRITE, "required", reason="done", requested_by="BUYER"),
    _post("/orders/{order_id}/refund", WRITE, "required", reason="late", requested_by="SELLER"),
    _get("/orders/{order_id}/milestones", READ, bound=True),
    _post("/orders/{order_id}/milestones/{milestone_ref}/complete", WRITE, "required", note="up"),
    _post("/orders/{order_id}/milestones/{milestone_ref}/release", WRITE, "required"),
    _post(
        "/orders/{order_id}/disputes", WRITE, "required",
        opened_by="BUYER", reason="NOT_DELIVERED",
    ),
    _get("/disputes", READ),
    _get("/disputes/{dispute_id}", READ),
    _post("/disputes/{dispute_id}/assign", SUPPORT, "optional", assignee="support-7"),
    _post("/disputes/{dispute_id}/comments", SUPPORT, "optional", body="Please send a photo."),
    _post("/disputes/{dispute_id}/resolve", SUPPORT, "required", decision="FULL_REFUND"),
    _post(
        "/withdrawals", WRITE, "required",
        user_id=USER, amount="10.00", destination_type="AIRTM_BALANCE",
        destination_ref="seller@example.com",
    ),
    _get("/withdrawals", READ, bound=True),
    _get("/withdrawals/{withdrawal_id}", READ, bound=True),
    _post("/withdrawals/{withdrawal_id}/commit", WRITE, "required"),
    _post("/withdrawals/{withdrawal_id}/refresh", WRITE, "optional"),
    _post("/withdrawals/{withdrawal_id}/cancel", WRITE, "optional"),
    _get("/events", READ, bound=True),
    _post(
        "/webhook-endpoints", ADMIN, "optional", url="http://127.0.0.1:9/hooks", events=["order.*"]
    ),
    _get("/webhook-endpoints", ADMIN),
    _get("/webhook-endpoints/{endpoint_id}", ADMIN),
    Row("PATCH", "/webhook-endpoints/{endpoint_id}", ADMIN, body={"enabled": False}),
    Row("DELETE", "/webhook-endpoints/{endpoint_id}", ADMIN),
    _post("/webhook-endpoints/{endpoint_id}/rotate-secret", ADMIN, "optional"),
    _post("/webhook-endpoints/{endpoint_id}/test", ADMIN, "optional"),
    _get("/webhook-endpoints/{endpoint_id}/deliveries", ADMIN),
    _post("/webhook-deliveries/{delivery_id}/replay", ADMIN, "optional"),
    _get("/audit/logs", SUPPORT),
    _get("/audit/verify", SUPPORT),
    _get("/admin/maintenance", ADMIN),
    Row("PUT", "/admin/maintenance", ADMIN, body={"enabled": False}, always=True),
    _get("/admin/queues", ADMIN),
    _get("/admin/dead-letters", ADMIN),
    _post("/admin/dead-letters/{letter_id}/retry", ADMIN, "optional"),
    Row("DELETE", "/admin/dead-letters/{letter_id}", ADMIN, query="?reason=spam"),
    _get("/admin/operations", ADMIN),
    _post("/admin/operations/{operation_id}/retry", ADMIN, "optional", reason="again"),
    _post(
        "/admin/operations/{operation_id}/settle", ADMIN, "required",
        outcome="CLOSED", reason="seen to",
    ),
    _get("/admin/reconciliations", ADMIN),
    _post("/admin/reconciliations", ADMIN, "optional"),
    _get("/admin/reconciliations/{reconciliation_id}", ADMIN),
    _get("/admin/treasury", ADMIN),
    _post(
        "/admin/treasury/movements", ADMIN, "required", rail="AIRTM", direction="IN", **_MONEY
    ),
)  # fmt: skip

# What answers 404 when nothing has the ids of its path, and with which code.
MISSING = {
    "users": "USER_NOT_FOUND",
    "topups": "TOPUP_NOT_FOUND",
    "orders": "ORDER_NOT_FOUND",
    "disputes": "DISPUTE_NOT_FOUND",
    "withdrawals": "WITHDRAWAL_NOT_FOUND",
    "auth": "API_KEY_NOT_FOUND",
}


def missing_code(row: Row) -> str:
    """The code for ids that nothing has."""
    return MISSING.get(row.path.split("/")[1], "NOT_FOUND")
