"""Airtm's paths under `/airtm/v2`: authentication, rate limit, bodies in and out.

No rules about money: those are in `payins`, `payouts`, `account` and `treasury`.
"""

import hmac
from typing import Any

from flask import Blueprint, Response, request

from offerhub.sandbox import wire
from offerhub.sandbox.airtm import account, events, pages, payins, payouts, treasury, users
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.rate_limit import RateLimit
from offerhub.sandbox.airtm.states import PAYIN_STATUSES, PAYOUT_STATUSES
from offerhub.sandbox.airtm.world import AirtmWorld


def airtm_blueprint(
    world: AirtmWorld, *, key: str, secret: str, limit: RateLimit | None = None
) -> Blueprint:
    """Every endpoint the sandbox plays. key, secret: the only Basic credentials it takes."""
    blueprint = Blueprint("airtm", __name__)
    calls = limit or RateLimit()

    @blueprint.before_request
    def guard() -> None:
        _authenticate(key=key, secret=secret)
        if world.knobs.enforce_rate_limits:
            calls.count_one()

    @blueprint.errorhandler(AirtmError)
    def refuse(error: AirtmError) -> Response:
        return reply(error.body(), status=error.http_status)

    _payin_routes(blueprint, world)
    _payout_routes(blueprint, world)
    _account_routes(blueprint, world)
    _treasury_routes(blueprint, world)

    @blueprint.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown_path(rest: str) -> Response:
        raise AirtmError("415902", f"There is no {request.method} /{rest}.")

    return blueprint


def _payin_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    @blueprint.post("/payins")
    def create_payin() -> Response:
        return reply(payins.create(world, request.get_data()))

    @blueprint.get("/payins")
    def list_payins() -> Response:
        wanted = request.args.get("enterpriseId")
        if wanted is not None and wanted != world.enterprise_id:
            return reply({"items": []})
        status = pages.wanted_status(request.args.get("status"), PAYIN_STATUSES)
        return reply(
            pages.page(
                world,
                table="airtm_payins",
                filters={"coalesce(shown_status, status)": status},
                query=request.args,
                answer=payins.answer,
            )
        )

    @blueprint.get("/payins/<payin_id>")
    def get_payin(payin_id: str) -> Response:
        return reply(payins.answer(payins.get(world, payin_id)))

    @blueprint.get("/payins/by-code/<path:code>")
    def get_payin_by_code(code: str) -> Response:
        return reply(payins.answer(payins.get_by_code(world, code)))

    @blueprint.delete("/payins/<payin_id>")
    def cancel_payin(payin_id: str) -> Response:
        return reply(payins.cancel(world, payin_id))


def _payout_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    @blueprint.post("/payouts")
    def create_payout() -> Response:
        return reply(payouts.create(world, request.get_data()))

    @blueprint.get("/payouts")
    def list_payouts() -> Response:
        if request.args.get("bulkPayoutId") is not None:
            return reply({"items": []})
        status = pages.wanted_status(request.args.get("status"), PAYOUT_STATUSES)
        return reply(
            pages.page(
                world,
                table="airtm_payouts",
                filters={"coalesce(shown_status, status)": status},
                query=request.args,
                answer=lambda row: payouts.answer(world, row),
            )
        )

    @blueprint.get("/payouts/<payout_id>")
    def get_payout(payout_id: str) -> Response:
        return reply(payouts.answer(world, payouts.get(world, payout_id)))

    @blueprint.get("/payouts/by-code/<path:code>")
    def get_payout_by_code(code: str) -> Response:
        return reply(payouts.answer(world, payouts.get_by_code(world, code)))

    @blueprint.post("/payouts/<payout_id>/commit")
    def commit_payout(payout_id: str) -> Response:
        payouts.commit(world, payout_id)
        return Response(status=204)

    @blueprint.get("/payouts/<payout_id>/events")
    def payout_events(payout_id: str) -> Response:
        return reply(events.list_events(world, payouts.get(world, payout_id)["id"]))

    @blueprint.delete("/payouts/<payout_id>")
    def cancel_payout(payout_id: str) -> Response:
        return reply(payouts.cancel(world, payout_id))


def _account_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    @blueprint.get("/me")
    def me() -> Response:
        return reply(account.me(world))

    @blueprint.get("/me/balance")
    def balance() -> Response:
        return reply(account.balance(world))

    @blueprint.get("/users/<path:email>")
    def user(email: str) -> Response:
        found = users.find(world, email)
        if found is None or found["status"] == "unregistered":
            raise AirtmError("415059", "The user was not found.")
        return reply(users.answer(found))


def _treasury_routes(blueprint: Blueprint, world: AirtmWorld) -> None:
    @blueprint.post("/crypto-accounts")
    def create_crypto_account() -> Response:
        return reply(treasury.create_crypto_account(world, request.get_data()))

    @blueprint.get("/crypto-accounts")
    def list_crypto_accounts() -> Response:
        return reply(
            pages.page(
                world,
                table="airtm_crypto_accounts",
                filters={"type": request.args.get("type")},
                query=request.args,
                answer=treasury.account_answer,
            )
        )

    @blueprint.post("/withdrawals")
    def create_withdrawal() -> Response:
        return reply(treasury.create_withdrawal(world, request.get_data()))

    @blueprint.get("/withdrawals")
    def list_withdrawals() -> Response:
        return reply(
            pages.page(
                world,
                table="airtm_withdrawals",
                filters={},
                query=request.args,
                answer=lambda row: treasury.withdrawal_answer(world, row),
            )
        )

    @blueprint.get("/withdrawals/<withdrawal_id>")
    def get_withdrawal(withdrawal_id: str) -> Response:
        row = treasury.get_withdrawal(world, withdrawal_id)
        return reply(treasury.withdrawal_answer(world, row))

    @blueprint.get("/deposits")
    def list_deposits() -> Response:
        return reply(
            pages.page(
                world,
                table="airtm_deposits",
                filters={},
                query=request.args,
                answer=lambda row: account.deposit_answer(world, row),
            )
        )

    @blueprint.get("/deposits/<deposit_id>")
    def get_deposit(deposit_id: str) -> Response:
        return reply(account.deposit_answer(world, account.get_deposit(world, deposit_id)))


def reply(body: Any, *, status: int = 200) -> Response:
    """A JSON answer with exact numbers."""
    return Response(wire.dumps(body), status=status, mimetype="application/json")


def _authenticate(*, key: str, secret: str) -> None:
    given = request.authorization
    if given is None or given.type != "basic":
        raise AirtmError("415904", "Basic credentials are required.")
    right_key = hmac.compare_digest((given.username or "").encode(), key.encode())
    right_secret = hmac.compare_digest((given.password or "").encode(), secret.encode())
    if not (right_key and right_secret):
        raise AirtmError("415904", "The API key or the secret is wrong.")
