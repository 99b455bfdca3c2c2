"""Every code of the error catalogue, provoked over HTTP, each where it is told.

Nearly all are answers; what a contract refuses is told by the operation, since the request was
answered before; and a webhook that was received before is no failure. Some codes belong to second
locks that nothing should ever reach: for those the test damages its own database first.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from svix.webhooks import Webhook
from werkzeug.test import TestResponse

from offerhub.domain.errors import CATALOG
from offerhub.ports.errors import OutcomeUnknown, Rejected
from offerhub.services import maintenance
from offerhub.store.database import atomic, execute
from tests.api.caller import Caller, code, open_api
from tests.api.surface import contract
from tests.api.surface.market import Market
from tests.services.world import BUYER_EMAIL

LANDINGS = {"return_url": "https://shop.example/done", "cancel_url": "https://shop.example/cart"}

Provoke = Callable[[Market], TestResponse]


class Spoilt:
    """A port whose every call ends as it is told."""

    def __init__(self, end: Callable[..., Any]) -> None:
        self._end = end

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._end


def _with(market: Market, **parts: Any) -> Caller:
    """The API of the same world with other parts, called with an admin key."""
    return open_api(market.world, app=replace(market.world.app, **parts))


def _raises(error: Exception) -> Spoilt:
    def end(*_: Any, **__: Any) -> Any:
        raise error

    return Spoilt(end)


def _link(caller: Caller, user: str, email: str = "x@example.com") -> TestResponse:
    return caller.post(f"/users/{user}/airtm/link", {"email": email})


def _order_body(market: Market, **more: Any) -> dict[str, Any]:
    parties = {"buyer_id": market.buyer, "seller_id": market.seller}
    return {**parties, "amount": "1.00", "title": "Logo", **more}


def _ordered(market: Market, **more: Any) -> TestResponse:
    return market.api.post("/orders", _order_body(market, **more))


def _steps(market: Market, *steps: str, amount: str = "1.00") -> TestResponse:
    """The last answer to these steps of a new order, at once one after the other."""
    order_id, answer = market.order(amount), None
    for step in steps:
        answer = market.api.post(f"/orders/{order_id}/{step}", {})
    assert answer is not None
    return answer


def _withdraw(market: Market, user: str, **more: Any) -> TestResponse:
    body = {
        "user_id": user, "amount": "1.00", "destination_type": "CRYPTO", "destination_ref": "x",
        **more,
    }  # fmt: skip
    return market.api.post("/withdrawals", body)


def _outside(market: Market) -> str:
    return str(market.world.control("POST", "/stellar/outside-account")["address"])


def _missing(path: str) -> Provoke:
    return lambda market: market.api.get(path.format(**contract.NAMES))


def _twice(path: str, body: Callable[[], dict[str, Any]]) -> Provoke:
    def provoke(market: Market) -> TestResponse:
        sent = body()
        assert market.api.post(path, sent).status_code == 201
        return market.api.post(path, sent)

    return provoke


def _reused_key(market: Market) -> TestResponse:
    key = str(uuid4())
    market.api.post("/users", {"external_user_id": key, "type": "BUYER"}, key=key)
    return market.api.post("/users", {"external_user_id": key, "type": "SELLER"}, key=key)


def _in_progress(market: Market) -> TestResponse:
    """The first request waits for a provider while the second one arrives."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        asked.set()
        go_on.wait(20)

    caller, user, key = _with(market, payments=Spoilt(slow)), market.user(), str(uuid4())
    path, body = f"/users/{user}/airtm/link", {"email": "slow@example.com"}
    first = threading.Thread(target=lambda: caller.post(path, body, key=key))
    first.start()
    try:
        assert asked.wait(20)
        return caller.post(path, body, key=key)
    finally:
        go_on.set()
        first.join()


def _limited(market: Market) -> TestResponse:
    policy = market.world.app.policy
    limits = {**policy.rate_limits_per_min, "api_key": 1}
    caller = _with(market, policy=replace(policy, rate_limits_per_min=limits))
    caller.get("/me")
    return caller.get("/me")


def _maintained(market: Market) -> TestResponse:
    maintenance.switch(market.world.ctx, enabled=True)
    try:
        return open_api(market.world).post("/users", {})
    finally:
        maintenance.switch(market.world.ctx, enabled=False)


def _suspended(market: Market) -> TestResponse:
    user = market.user()
    market.credit(user, "1.00")
    market.patch(f"/users/{user}", {"status": "SUSPENDED"})
    return _withdraw(market, user, destination_ref=_outside(market))


def _disputed_twice(market: Market) -> TestResponse:
    path = f"/orders/{market.in_progress('1.00')}/disputes"
    body = {"opened_by": "BUYER", "reason": "OTHER"}
    market.api.post(path, body)
    return market.api.post(path, body)


def _committed_twice(market: Market) -> TestResponse:
    user = market.user()
    market.credit(user, "1.00")
    market.api.made(f"/users/{user}/airtm/link", {"email": _free_email(market)})
    made = _withdraw(market, user, destination_type="AIRTM_BALANCE",
                     destination_ref=market.shown(f"/users/{user}")["airtm"]["email"])  # fmt: skip
    path = f"/withdrawals/{made.json['data']['id']}"
    market.api.post(f"{path}/cancel", {})
    return market.api.post(f"{path}/commit", {})


def _free_email(market: Market) -> str:
    email = f"{uuid4().hex[:12]}@example.com"
    market.world.control("POST", "/airtm/users", email=email, first_name="Ana", last_name="Ruiz")
    return email


def _faulty(kind: str) -> Provoke:
    def provoke(market: Market) -> TestResponse:
        user = market.user()
        market.world.fault(kind, provider="airtm", times=50)
        return _link(market.api, user)

    return provoke


def _milestone(market: Market) -> TestResponse:
    order_id = market.in_progress("1.00")
    return market.api.post(f"/orders/{order_id}/milestones/none/complete", {})


def _chain_refuses(market: Market) -> TestResponse:
    error = Rejected("no", provider="stellar", error_code="STELLAR_NETWORK_ERROR")
    user = market.user()
    market.credit(user, "1.00")
    caller = _with(market, chain=_raises(error))
    body = {
        "user_id": user, "amount": "1.00", "destination_type": "CRYPTO",
        "destination_ref": _outside(market),
    }  # fmt: skip
    return caller.post("/withdrawals", body)


def _damaged(sql: str, *values: str) -> None:
    """As no code of ours would: one row, behind the back of whatever guards it."""
    with atomic():
        assert execute(sql, values).rowcount == 1


def _without_wallet(market: Market) -> TestResponse:
    user = market.user()
    _damaged("DELETE FROM wallets WHERE user_id = ?", user)
    return market.api.get(f"/users/{user}/wallet")


def _reserved_in_name(market: Market) -> str:
    """An order that says FUNDS_RESERVED, and nothing was ever set aside for it."""
    order_id = market.order("1.00")
    _damaged("UPDATE orders SET status = 'FUNDS_RESERVED' WHERE id = ?", order_id)
    return order_id


def _released_in_name(market: Market, **more: Any) -> str:
    """An order in progress whose escrow says that it was released."""
    order_id = market.in_progress("1.00", **more)
    _damaged("UPDATE escrows SET status = 'RELEASED' WHERE order_id = ?", order_id)
    return order_id


def _raw(raw: bytes, **headers: str) -> Provoke:
    return lambda market: market.api.send(
        "POST", "/users", raw=raw, headers={"Idempotency-Key": str(uuid4()), **headers}
    )


def _new_user() -> dict[str, Any]:
    return {"external_user_id": str(uuid4()), "type": "BUYER"}


USER, ORDER = contract.USER, contract.ORDER
PROVOKED: dict[str, Provoke] = {
    "UNAUTHORIZED": lambda m: m.api.with_key(None).get("/me"),
    "INVALID_API_KEY": lambda m: m.api.with_key("ohk_test_no").get("/me"),
    "INSUFFICIENT_SCOPE": lambda m: m.api.with_scopes("read").post("/users", {}),
    "VALIDATION_ERROR": lambda m: m.api.post("/users", {**_new_user(), "type": "KING"}),
    "INVALID_AMOUNT_FORMAT": lambda m: _ordered(m, amount="1"),
    "INVALID_CURRENCY": lambda m: _ordered(m, currency="EUR"),
    "MISSING_REQUIRED_FIELD": lambda m: m.api.post("/users", {"type": "BUYER"}),
    "INVALID_REQUEST": _raw(b"{"),
    "INVALID_AMOUNT": lambda m: _ordered(m, amount="999999999999999.00"),
    "WEBHOOK_SIGNATURE_INVALID": lambda m: m.api.post("/webhooks/airtm", {}),
    "USER_NOT_FOUND": _missing("/users/{user_id}"),
    "ORDER_NOT_FOUND": _missing("/orders/{order_id}"),
    "TOPUP_NOT_FOUND": _missing("/topups/{topup_id}"),
    "ESCROW_NOT_FOUND": lambda m: _steps(m, "reserve", "escrow/fund"),
    "MILESTONE_NOT_FOUND": _milestone,
    "DISPUTE_NOT_FOUND": _missing("/disputes/{dispute_id}"),
    "WITHDRAWAL_NOT_FOUND": _missing("/withdrawals/{withdrawal_id}"),
    "API_KEY_NOT_FOUND": lambda m: m.api.delete(f"/auth/api-keys/{contract.NAMES['key_id']}"),
    "NOT_FOUND": _missing("/webhook-endpoints/{endpoint_id}"),
    "METHOD_NOT_ALLOWED": lambda m: m.api.send("PATCH", "/me"),
    "USER_ALREADY_EXISTS": _twice("/users", _new_user),
    "AIRTM_USER_ALREADY_LINKED": lambda m: _link(m.api, m.user(), BUYER_EMAIL),
    "FUNDS_ALREADY_RESERVED": lambda m: _steps(m, "reserve", "reserve"),
    "INVALID_STATE": lambda m: _steps(m, "release"),
    "ESCROW_ALREADY_EXISTS": lambda m: _steps(m, "reserve", "escrow", "escrow"),
    "ESCROW_NOT_READY": lambda m: _steps(m, "reserve", "escrow", "escrow/fund"),
    "ESCROW_ALREADY_FUNDED": lambda m: m.api.post(
        f"/orders/{m.in_progress('1.00')}/escrow/fund", {}
    ),
    "DISPUTE_ALREADY_OPEN": _disputed_twice,
    "DUPLICATE_CLIENT_ORDER_REF": lambda m: [
        _ordered(m, client_order_ref="my-own-1"), _ordered(m, client_order_ref="my-own-1"),
    ][1],
    "WITHDRAWAL_NOT_COMMITTABLE": _committed_twice,
    "IDEMPOTENCY_KEY_REUSED": _reused_key,
    "IDEMPOTENCY_KEY_IN_PROGRESS": _in_progress,
    "PAYLOAD_TOO_LARGE": _raw(b" " * (1024 * 1024 + 1)),
    "UNSUPPORTED_MEDIA_TYPE": _raw(b"{}", **{"Content-Type": "text/plain"}),
    "AIRTM_USER_NOT_LINKED": lambda m: m.api.post(
        "/topups", {"user_id": m.user(), "amount": "5.00", **LANDINGS}
    ),
    "AIRTM_USER_INVALID": lambda m: _link(m.api, m.user(), "nobody@example.com"),
    "USER_SUSPENDED": _suspended,
    "INSUFFICIENT_FUNDS": lambda m: _steps(m, "reserve", amount="9999999.00"),
    "WALLET_NOT_FOUND": _without_wallet,
    "RESERVE_NOT_FOUND": lambda m: m.api.post(
        f"/orders/{_reserved_in_name(m)}/escrow", {}
    ),
    "ESCROW_INVALID_STATE": lambda m: m.api.post(
        f"/orders/{_released_in_name(m)}/release", {}
    ),
    "RESERVE_MISMATCH_AMOUNT": lambda m: m.api.post(
        f"/orders/{m.order('1.00')}/reserve", {"amount": "2.00"}
    ),
    "WITHDRAWAL_DESTINATION_INVALID": lambda m: _withdraw(m, m.buyer),
    "RATE_LIMITED": _limited,
    "INTERNAL_ERROR": lambda m: _link(
        _with(m, payments=_raises(RuntimeError("a fault of ours"))), m.buyer
    ),
    "PROVIDER_ERROR": lambda m: _link(
        _with(m, payments=_raises(Rejected("no", provider="airtm", error_code="odd"))), m.buyer
    ),
    "PROVIDER_RATE_LIMITED": _faulty("rate_limited"),
    "STELLAR_NETWORK_ERROR": _chain_refuses,
    "PROVIDER_UNAVAILABLE": _faulty("error_503_before"),
    "MAINTENANCE": _maintained,
    "PROVIDER_TIMEOUT": lambda m: _link(
        _with(m, payments=_raises(OutcomeUnknown("late", provider="airtm"))), m.buyer
    ),
}  # fmt: skip


class Refusal(NamedTuple):
    """What a contract refuses of an order's work, and how the order stands then.

    `cause` takes the order as it is shown and leaves it so that `step` fails; `cure` undoes that.
    """

    before: tuple[str, ...]
    cause: Callable[[Market, dict[str, Any]], None]
    step: str
    order_status: str
    cure: Callable[[Market, dict[str, Any]], None]
    done: str


def _freeze(frozen: bool) -> Callable[[Market, dict[str, Any]], None]:
    """Whether the buyer's wallet may pay nothing."""
    return lambda market, order: market.world.control(
        "POST", "/stellar/freeze", address=order["escrow"]["buyer_address"], frozen=frozen
    )


def _empty(market: Market, order: dict[str, Any]) -> None:
    contract = order["escrow"]["trustless_contract_id"]
    market.world.control("POST", "/stellar/clawback", holder=contract, amount="0.01")


def _refill(market: Market, order: dict[str, Any]) -> None:
    contract = order["escrow"]["trustless_contract_id"]
    market.world.control("POST", "/stellar/dust", contract=contract, amount="0.01")


# Told by `operation.last_error`: the request itself was answered 202, before the contract refused.
TOLD_BY_THE_WORK = {
    "ESCROW_FUNDING_FAILED": Refusal(
        ("reserve", "escrow"), _freeze(True), "escrow/fund", "ESCROW_FUNDING",
        _freeze(False), "IN_PROGRESS",
    ),
    "ESCROW_INSUFFICIENT_FUNDS": Refusal(
        ("reserve", "escrow", "escrow/fund"), _empty, "release", "RELEASE_REQUESTED",
        _refill, "CLOSED",
    ),
}  # fmt: skip

# Told by an answer that is no failure, in words of its own.
TOLD_AS_SUCCESS = {"WEBHOOK_DUPLICATE_IGNORED"}


def test_every_code_is_provoked_in_one_way() -> None:
    ways = [*PROVOKED, *TOLD_BY_THE_WORK, *TOLD_AS_SUCCESS]
    assert sorted(ways) == sorted(CATALOG)


@pytest.mark.parametrize("expected", TOLD_BY_THE_WORK)
def test_what_a_contract_refuses_is_told_as_the_last_error_of_the_work(
    market: Market, expected: str
) -> None:
    refusal, path = TOLD_BY_THE_WORK[expected], f"/orders/{market.order('1.00')}"
    for step in refusal.before:
        market.api.made(f"{path}/{step}")
        market.world.drain()
    order = market.shown(path)
    refusal.cause(market, order)
    assert market.api.post(f"{path}/{refusal.step}", {}).status_code == 202
    market.world.drain()
    refused = market.shown(path)
    work = refused["operation"]
    assert (work["status"], work["last_error"]) == ("STUCK", expected)
    assert refused["status"] == refusal.order_status
    refusal.cure(market, order)
    market.api.made(f"/admin/operations/{work['id']}/retry", {"reason": "it can go on now"})
    market.world.drain()
    done = market.shown(path)
    assert (done["status"], done["operation"]) == (refusal.done, None)


def test_a_webhook_that_was_received_before_is_answered_as_a_success(market: Market) -> None:
    world, name = market.world, f"msg_{uuid4().hex}"
    body, at = '{"type": "payin.failed", "data": {"code": "topup_x"}}', world.clock.now()
    headers = {
        "svix-id": name,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(world.environ["AIRTM_WEBHOOK_SECRET"]).sign(name, at, body),
    }
    first, again = (
        market.api.with_key(None).send(
            "POST", "/webhooks/airtm", raw=body.encode(), headers=headers
        )
        for _ in range(2)
    )
    assert first.json["data"] == {"duplicate": False}
    assert again.json["data"] == {"duplicate": True}
    assert again.status_code == CATALOG["WEBHOOK_DUPLICATE_IGNORED"].status == 200


def test_a_reserve_that_the_books_do_not_hold_is_neither_spent_nor_returned(
    market: Market,
) -> None:
    market.api.made(f"/orders/{market.order('1.00')}/reserve")  # another order's, to be left alone
    order, statement = f"/orders/{_reserved_in_name(market)}", f"/users/{market.buyer}/ledger"
    before = market.shown(order), market.shown(statement)
    for step in ("escrow", "cancel"):
        assert market.refused(f"{order}/{step}", {}) == (404, "RESERVE_NOT_FOUND")
    assert (market.shown(order), market.shown(statement)) == before


def test_an_escrow_out_of_step_with_its_order_pays_nobody(market: Market) -> None:
    milestone = {"milestone_ref": "all", "title": "All", "amount": "1.00"}
    order_id = _released_in_name(market, milestones=[milestone])
    _damaged("UPDATE milestones SET status = 'COMPLETED' WHERE order_id = ?", order_id)
    order = f"/orders/{order_id}"
    before = market.shown(order)
    for step, body in (
        ("release", {}), ("refund", {}), ("milestones/all/release", {}),
        ("disputes", {"opened_by": "BUYER", "reason": "OTHER"}),
    ):  # fmt: skip
        assert market.refused(f"{order}/{step}", body) == (409, "ESCROW_INVALID_STATE")
    assert market.shown(order) == before


@pytest.mark.parametrize("expected", PROVOKED)
def test_a_code_is_answered_with_its_status_and_shape(market: Market, expected: str) -> None:
    answer = PROVOKED[expected](market)
    entry = CATALOG[expected]
    assert (code(answer), answer.status_code) == (expected, entry.status)
    error = json.loads(answer.data)["error"]
    assert set(error) == {"code", "message", "details", "request_id"}
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert ("Retry-After" in answer.headers) == (
        entry.status in {429, 503} or expected == "IDEMPOTENCY_KEY_IN_PROGRESS"
        or (expected == "PROVIDER_RATE_LIMITED" and "retry_after_s" in error["details"])
    )  # fmt: skip
    for secret in market.world.environ.values():
        assert len(secret) < 16 or secret not in answer.text
