"""Records as the API writes them, and a marketplace made of them, for the console's tests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 10, 12, 4, 11, tzinfo=UTC)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass
class World:
    """What the appliance knows, as JSON."""

    environment: str = "demo"
    scopes: tuple[str, ...] = ("admin",)
    users: list[dict[str, Any]] = field(default_factory=list)
    balances: dict[str, dict[str, Any]] = field(default_factory=dict)
    ledger: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    topups: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)


def ident(prefix: str, number: int) -> str:
    return f"{prefix}_{number:021d}"


def api_key(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": ident("key", number),
        "name": f"key {number}",
        "scopes": ["read"],
        "created_at": text(START - timedelta(days=number)),
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
        **changes,
    }


def user(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": ident("usr", number),
        "external_user_id": f"shop-{number}",
        "type": "BOTH",
        "status": "ACTIVE",
        "email": None,
        "metadata": {},
        "airtm": None,
        "wallet": None,
        "created_at": text(START),
        "updated_at": text(START),
        **changes,
    }


def balance(number: int, available: str, reserved: str = "0.00") -> dict[str, Any]:
    return {
        "user_id": ident("usr", number),
        "currency": "USD",
        "available": available,
        "available_exact": f"{available}00000",
        "reserved": reserved,
        "reserved_exact": f"{reserved}00000",
        "withdrawing": "0.00",
        "withdrawing_exact": "0.0000000",
        "as_of": text(START),
    }


def order(number: int, status: str, *, age_s: int = 60, **changes: Any) -> dict[str, Any]:
    when = text(START - timedelta(seconds=age_s))
    return {
        "id": ident("ord", number),
        "buyer_id": ident("usr", 1),
        "seller_id": ident("usr", 2),
        "amount": f"{number * 10}.00",
        "amount_exact": f"{number * 10}.0000000",
        "currency": "USD",
        "title": f"Work number {number}",
        "description": None,
        "client_order_ref": f"ref-{number}",
        "platform_fee_bps": 250,
        "status": status,
        "resolution": None,
        "metadata": {},
        "escrow": None,
        "milestones": [],
        "dispute": None,
        "operation": None,
        "timeline": [],
        "created_at": when,
        "updated_at": when,
        **changes,
    }


def ledger_line(number: int, amount: str, after: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{ident('ldg', number)}_1",
        "transfer_id": ident("ldg", number),
        "kind": "TOPUP_CREDIT",
        "account": "available",
        "amount": amount,
        "amount_exact": f"{amount}00000",
        "balance_after": after,
        "balance_after_exact": f"{after}00000",
        "subject_type": "topup",
        "subject_id": ident("topup", 1),
        "description": None,
        "created_at": text(START - timedelta(minutes=number)),
        **changes,
    }


def timeline(*types: str) -> list[dict[str, Any]]:
    return [
        {
            "sequence": number,
            "event_type": event_type,
            "occurred_at": text(START - timedelta(seconds=60 - number)),
            "event_id": ident("evt", number),
        }
        for number, event_type in enumerate(types, start=1)
    ]


def busy_world() -> World:
    """A marketplace in the middle of a day."""
    escrow = {
        "id": ident("esc", 1),
        "kind": "SINGLE_RELEASE",
        "status": "FUNDED",
        "resolution": None,
        "amount": "40.00",
        "amount_exact": "40.0000000",
        "platform_fee_bps": 250,
        "trustless_contract_id": "C" + "A" * 55,
        "deploy_tx_hash": None,
        "fund_tx_hash": None,
        "release_tx_hash": None,
        "buyer_address": None,
        "seller_address": None,
        "created_at": text(START),
        "updated_at": text(START),
    }
    stuck = {
        "id": ident("opn", 1),
        "kind": "RELEASE",
        "status": "STUCK",
        "step": "send",
        "last_error": "PROVIDER_TIMEOUT",
    }
    orders = [
        order(5, "ORDER_CREATED", age_s=14),
        order(
            4,
            "IN_PROGRESS",
            age_s=200,
            escrow=escrow,
            timeline=timeline("order.created", "order.funds_reserved", "order.escrow_creating"),
        ),
        order(3, "RELEASE_REQUESTED", age_s=7200, operation=stuck),
        order(2, "DISPUTED", age_s=90_000),
        order(1, "CLOSED", age_s=400_000, resolution="RELEASED"),
    ]
    withdrawal = {
        "id": ident("wd", 1),
        "user_id": ident("usr", 2),
        "amount": "25.00",
        "amount_exact": "25.0000000",
        "currency": "USD",
        "destination_type": "CRYPTO",
        "destination_ref": "GABC",
        "status": "WITHDRAWAL_PENDING",
        "created_at": text(START),
        "updated_at": text(START),
    }
    return World(
        users=[user(1), user(2, status="SUSPENDED"), user(3, external_user_id="shop-ü")],
        balances={
            ident("usr", 1): balance(1, "1250.75", "40.00"),
            ident("usr", 2): balance(2, "0.00"),
            ident("usr", 3): balance(3, "99.99"),
        },
        ledger={
            ident("usr", 1): [
                ledger_line(
                    1,
                    "-40.00",
                    "1250.75",
                    kind="ORDER_RESERVE",
                    subject_type="order",
                    subject_id=ident("ord", 4),
                ),
                ledger_line(2, "1290.75", "1290.75"),
            ]
        },
        orders=orders,
        withdrawals=[withdrawal],
        keys=[
            api_key(1, name="ops", scopes=["admin"], last_used_at=text(START)),
            api_key(2, name="shop", scopes=["read", "write"]),
            api_key(3, name="old", revoked_at=text(START)),
        ],
    )
