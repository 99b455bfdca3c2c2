"""Control of the Airtm half: users, balance, and the fate of pay-ins, payouts and withdrawals."""

import sqlite3
from typing import Any

from flask import Blueprint, Response, request

from offerhub.sandbox.airtm import (
    account,
    amounts,
    bounces,
    payins,
    payouts,
    script,
    treasury,
    users,
)
from offerhub.sandbox.airtm.world import AirtmWorld
from offerhub.sandbox.control.reading import ControlError, cents, read, read_any, reply, text
from offerhub.sandbox.knobs import AirtmKnobs


def add_airtm_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    _user_routes(blueprint, world)
    _account_routes(blueprint, world)
    _payin_routes(blueprint, world)
    _payout_routes(blueprint, world)


def _user_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    @blueprint.get("/airtm/users")
    def list_users() -> Response:
        return reply({"users": [_user_view(user) for user in users.list_users(world)]})

    @blueprint.post("/airtm/users")
    def create_user() -> Response:
        body = read(
            email=...,
            aliases=[],
            status="active",
            is_verified=True,
            first_name=None,
            last_name=None,
            country=None,
            wallet="0.00",
        )
        body["wallet_stroops"] = cents(body.pop("wallet"), name="wallet")
        body["aliases"] = tuple(text(alias, name="aliases[]") for alias in body["aliases"])
        _check_user(body)
        user_id = users.create_user(world, users.NewUser(**body))
        return reply({"id": user_id, "email": body["email"]}, status=201)

    @blueprint.patch("/airtm/users/<path:email>")
    def change_user(email: str) -> Response:
        found = users.find(world, email)
        if found is None:
            raise ControlError("there is no such user", status=404)
        changes = read_any()
        allowed = {"status", "is_verified", "first_name", "last_name", "country"}
        if not set(changes) <= allowed:
            raise ControlError(f"only {', '.join(sorted(allowed))} can change")
        _check_user(changes)
        users.change_user(world, found["id"], changes)
        resumed = script.resume_waiting_payouts(world, found["id"])
        return reply({"id": found["id"], "resumed_payouts": resumed})

    @blueprint.post("/airtm/users/<path:email>/wallet")
    def credit_wallet(email: str) -> Response:
        amount = cents(read(amount=...)["amount"], name="amount")
        found = users.find(world, email)
        if found is None:
            raise ControlError("there is no such user", status=404)
        script.credit_wallet(world, found["id"], amount_stroops=amount)
        return reply({"id": found["id"]})


def _account_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    @blueprint.put("/airtm/balance")
    def set_balance() -> Response:
        stroops = cents(read(available=...)["available"], name="available")
        account.set_available(world, amount_stroops=stroops)
        return reply(_balance_view(world))

    @blueprint.post("/airtm/balance/credit")
    def credit_balance() -> Response:
        body = read(amount=..., type="funding")
        if body["type"] not in account.DEPOSIT_TYPES:
            raise ControlError(f"type must be one of {', '.join(account.DEPOSIT_TYPES)}")
        deposit_id = account.deposit(
            world, amount_stroops=cents(body["amount"], name="amount"), kind=body["type"]
        )
        return reply({"deposit_id": deposit_id, **_balance_view(world)}, status=201)

    @blueprint.get("/airtm/knobs")
    def read_airtm_knobs() -> Response:
        return reply(vars(world.knobs))

    @blueprint.patch("/airtm/knobs")
    def change_airtm_knobs() -> Response:
        return reply(vars(world.knob_store.change(AirtmKnobs, read_any())))

    @blueprint.post("/airtm/withdrawals/<withdrawal_id>/complete")
    def complete_withdrawal(withdrawal_id: str) -> Response:
        return reply(treasury.complete(world, withdrawal_id))

    @blueprint.post("/airtm/withdrawals/<withdrawal_id>/fail")
    def fail_withdrawal(withdrawal_id: str) -> Response:
        reason = text(read(reason="The withdrawal failed.")["reason"], name="reason")
        return reply(treasury.fail(world, withdrawal_id, reason=reason))


def _payin_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    def payin_id(reference: str) -> str:
        return str(_by_id_or_code(world, "airtm_payins", reference)["id"])

    @blueprint.get("/payins/<reference>")
    def show_payin(reference: str) -> Response:
        return reply(payins.answer(payins.get(world, payin_id(reference))))

    @blueprint.post("/payins/<reference>/pay")
    def pay(reference: str) -> Response:
        body = read(email="buyer@example.com", late=False)
        email = text(body["email"], name="email")
        late = body["late"] is True
        return reply(payins.pay(world, payin_id(reference), email=email, late=late))

    @blueprint.post("/payins/<reference>/confirm")
    def confirm(reference: str) -> Response:
        return reply(payins.confirm(world, payin_id(reference)))

    @blueprint.post("/payins/<reference>/decline")
    def decline(reference: str) -> Response:
        return reply(payins.cancel(world, payin_id(reference), processing_too=True))

    @blueprint.post("/payins/<reference>/expire")
    def expire(reference: str) -> Response:
        return reply(payins.cancel(world, payin_id(reference)))

    @blueprint.post("/payins/<reference>/fail")
    def fail(reference: str) -> Response:
        reason = text(read(reason="The payment failed.")["reason"], name="reason")
        return reply(payins.fail(world, payin_id(reference), reason=reason))

    @blueprint.post("/payins/<reference>/status")
    def show_payin_status(reference: str) -> Response:
        status = text(read(status=...)["status"], name="status")
        script.show_payin_status(world, payin_id(reference), status)
        return reply(payins.answer(payins.get(world, payin_id(reference))))


def _payout_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    def payout(reference: str) -> sqlite3.Row:
        return _by_id_or_code(world, "airtm_payouts", reference)

    @blueprint.get("/payouts/<reference>")
    def show_payout(reference: str) -> Response:
        return reply(payouts.answer(world, payout(reference)))

    @blueprint.post("/payouts/<reference>/<any(process, wait, complete, fail, cancel):action>")
    def step_payout(reference: str, action: str) -> Response:
        default_code = "415073" if action == "fail" else None
        default_text = "The provider could not deliver." if action == "fail" else None
        body = read(reason_code=default_code, reason=default_text)
        with world.store.transaction():
            done = payouts.step(
                world,
                payout(reference),
                action,
                reason_code=body["reason_code"],
                reason=body["reason"],
            )
        return reply(done)

    @blueprint.post("/payouts/<reference>/bounce")
    def bounce_payout(reference: str) -> Response:
        return reply({"deposit_id": bounces.bounce(world, payout(reference)["id"])}, status=201)

    @blueprint.post("/payouts/<reference>/status")
    def show_payout_status(reference: str) -> Response:
        body = read(status=..., reason_code=None, reason=None)
        script.show_payout_status(
            world,
            payout(reference)["id"],
            text(body["status"], name="status"),
            reason_code=body["reason_code"],
            reason=body["reason"],
        )
        return reply(payouts.answer(world, payout(reference)))


def _check_user(body: dict[str, Any]) -> None:
    if "email" in body and "@" not in text(body["email"], name="email"):
        raise ControlError("email must be an e-mail address")
    if body.get("status", "active") not in ("active", "inactive"):
        raise ControlError("status must be active or inactive")
    if not isinstance(body.get("is_verified", True), bool):
        raise ControlError("is_verified must be true or false")
    for name in ("first_name", "last_name", "country"):
        if body.get(name) is not None:
            text(body[name], name=name)
    if body.get("country") is not None and len(body["country"]) != 3:
        raise ControlError("country must be an ISO 3166 alpha-3 code")


def _by_id_or_code(world: AirtmWorld, table: str, reference: str) -> sqlite3.Row:
    row = world.store.one(
        f"SELECT * FROM {table} WHERE id = ? OR code = ?",  # noqa: S608
        (reference, reference),
    )
    if row is None:
        raise ControlError(f"{request.path}: no such id or code", status=404)
    return row


def _user_view(user: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in user.items() if name != "wallet_stroops"}
    return {**shown, "wallet": amounts.text(user["wallet_stroops"])}


def _balance_view(world: AirtmWorld) -> dict[str, Any]:
    return {name: amounts.text(value) for name, value in script.enterprise_balance(world).items()}
