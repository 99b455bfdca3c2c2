"""JSON as the API writes it, for tests of its client."""

from typing import Any

NOW = "2026-01-10T12:00:00.000Z"


def user(**changes: Any) -> dict[str, Any]:
    return {
        "id": "usr_1",
        "external_user_id": "shop-7",
        "type": "BUYER",
        "status": "ACTIVE",
        "email": None,
        "metadata": {},
        "airtm": None,
        "wallet": {"id": "wal_1", "address": "GABC", "status": "ACTIVE"},
        "created_at": NOW,
        "updated_at": NOW,
        **changes,
    }


def order(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ord_1",
        "buyer_id": "usr_1",
        "seller_id": "usr_2",
        "amount": "100.00",
        "amount_exact": "100.0000000",
        "currency": "USD",
        "title": "A logo",
        "description": None,
        "client_order_ref": None,
        "platform_fee_bps": 250,
        "status": "ORDER_CREATED",
        "resolution": None,
        "metadata": {},
        "escrow": None,
        "milestones": [],
        "dispute": None,
        "operation": None,
        "created_at": NOW,
        "updated_at": NOW,
        **changes,
    }


def balance(**changes: Any) -> dict[str, Any]:
    return {
        "user_id": "usr_1",
        "currency": "USD",
        "available": "12.34",
        "available_exact": "12.3456789",
        "reserved": "0.00",
        "reserved_exact": "0.0000000",
        "withdrawing": "0.00",
        "withdrawing_exact": "0.0000000",
        "as_of": NOW,
        **changes,
    }


def event(sequence: int, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": f"evt_{sequence}",
        "event_type": "order.created",
        "occurred_at": NOW,
        "aggregate_id": "ord_1",
        "aggregate_type": "order",
        "sequence": sequence,
        "payload": {},
        "metadata": {},
        **changes,
    }


def endpoint(**changes: Any) -> dict[str, Any]:
    return {
        "id": "whe_1",
        "url": "https://shop.example/hooks",
        "events": ["order.*"],
        "description": None,
        "enabled": True,
        "disabled_reason": None,
        "failing_since": None,
        "created_at": NOW,
        "updated_at": NOW,
        **changes,
    }


def delivery(**changes: Any) -> dict[str, Any]:
    return {
        "id": "whd_1",
        "endpoint_id": "whe_1",
        "event_id": "evt_1",
        "status": "FAILED",
        "attempts": 10,
        "next_attempt_at": None,
        "last_status_code": 500,
        "last_error": "500",
        "created_at": NOW,
        "updated_at": NOW,
        **changes,
    }
