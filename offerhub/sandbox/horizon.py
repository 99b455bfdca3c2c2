"""Horizon's wire on the sandbox network: HAL pages, problem documents, SSE, submission.

Translates HTTP to `Chain` and back. Faults of the wire are not made here.
Source: the Horizon API reference, as our Stellar provider contract sums it up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, request
from stellar_sdk import MuxedAccount, StrKey

from offerhub.sandbox.chain.actors import ChainRefused
from offerhub.sandbox.chain.history import BeforeHistory, Page
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.chain.records import PROTOCOL_VERSION
from offerhub.sandbox.horizon_submit import add_submission_routes
from offerhub.sandbox.horizon_wire import (
    Problem,
    base_url,
    hal,
    link_record,
    page_document,
    problem_response,
    read_page,
)
from offerhub.sandbox.horizon_wire import fee_stats as fee_statistics

Records = Callable[[Page], list[dict[str, Any]]]

STREAM_LIMIT_S = 55.0
_STREAM_POLL_S = 0.1
_HEARTBEAT_S = 5.0


def horizon_blueprint(
    chain: Chain, *, stream_limit_s: float = STREAM_LIMIT_S, submit_timeout_s: float = 30.0
) -> Blueprint:
    """Every Horizon endpoint the product uses, to be served under `/horizon`.

    stream_limit_s: how long an SSE connection lives; submit_timeout_s: how long `POST
    /transactions` waits for inclusion before it answers 504.
    """
    blueprint = Blueprint("sandbox_horizon", __name__, url_prefix="/horizon")
    blueprint.register_error_handler(Problem, problem_response)
    blueprint.before_request(chain.ledgers.tick)
    _add_state_routes(blueprint, chain)
    _add_history_routes(blueprint, chain, stream_limit_s)
    add_submission_routes(blueprint, chain, timeout_s=submit_timeout_s)
    return blueprint


def _add_state_routes(blueprint: Blueprint, chain: Chain) -> None:
    @blueprint.get("/", strict_slashes=False)
    def root() -> Response:
        visible = chain.ledgers.visible()
        ledger = chain.history.ledger(visible)
        latest, _ = chain.ledgers.latest()
        document = {
            "horizon_version": "28.0.0-offerhub-sandbox",
            "core_version": "sandbox",
            "ingest_latest_ledger": visible,
            "history_latest_ledger": visible,
            "history_latest_ledger_closed_at": ledger["closed_at"] if ledger else None,
            "history_elder_ledger": chain.ledgers.elder(),
            "core_latest_ledger": latest,
            "network_passphrase": chain.passphrase,
            "current_protocol_version": PROTOCOL_VERSION,
            "supported_protocol_version": PROTOCOL_VERSION,
            "core_supported_protocol_version": PROTOCOL_VERSION,
        }
        return hal({**document, "_links": {}})

    @blueprint.get("/accounts/<address>")
    def account(address: str) -> Response:
        record = chain.history.account(_account_id(address))
        if record is None:
            raise Problem.not_found()
        response = hal(link_record(record, f"/accounts/{address}"))
        response.headers["Latest-Ledger"] = str(chain.ledgers.visible())
        return response

    @blueprint.get("/fee_stats")
    def fee_stats() -> Response:
        return hal(fee_statistics(chain.ledgers.visible(), chain.ledgers.base_fee_stroops()))

    @blueprint.route("/friendbot", methods=["GET", "POST"])
    def friendbot() -> Response:
        try:
            return hal(chain.friendbot(request.values.get("addr", "")))
        except ValueError as problem:
            raise Problem.bad_request("addr", str(problem)) from problem
        except ChainRefused as refusal:
            raise Problem.transaction_failed(refusal.codes) from refusal


def _add_history_routes(blueprint: Blueprint, chain: Chain, stream_limit_s: float) -> None:
    history = chain.history

    def pages(records: Records) -> Response:
        return _answer(chain, records, stream_limit_s)

    def operations(
        *, payments_only: bool, account: str | None = None, transaction_hash: str | None = None
    ) -> Response:
        include_failed = request.args.get("include_failed") == "true"
        join = request.args.get("join") == "transactions"
        return pages(
            lambda page: history.operations(
                page,
                account=account,
                transaction_hash=transaction_hash,
                payments_only=payments_only,
                include_failed=include_failed,
                join_transactions=join,
            )
        )

    @blueprint.get("/payments")
    def payments() -> Response:
        return operations(payments_only=True)

    @blueprint.get("/operations")
    def all_operations() -> Response:
        return operations(payments_only=False)

    @blueprint.get("/operations/<int:operation_id>")
    def operation(operation_id: int) -> Response:
        return _one(history.operation(operation_id), f"/operations/{operation_id}")

    @blueprint.get("/accounts/<address>/payments")
    def account_payments(address: str) -> Response:
        return operations(payments_only=True, account=_holder(address))

    @blueprint.get("/accounts/<address>/operations")
    def account_operations(address: str) -> Response:
        return operations(payments_only=False, account=_holder(address))

    @blueprint.get("/accounts/<address>/transactions")
    def account_transactions(address: str) -> Response:
        account, failed = _holder(address), request.args.get("include_failed") == "true"
        return pages(
            lambda page: history.transactions(page, account=account, include_failed=failed)
        )

    @blueprint.get("/transactions")
    def transactions() -> Response:
        failed = request.args.get("include_failed") == "true"
        return pages(lambda page: history.transactions(page, include_failed=failed))

    @blueprint.get("/transactions/<transaction_hash>")
    def transaction(transaction_hash: str) -> Response:
        record = history.transaction(transaction_hash.lower())
        return _one(record, f"/transactions/{transaction_hash}")

    def of_transaction(transaction_hash: str, *, payments_only: bool) -> Response:
        known = history.transaction(transaction_hash.lower())
        if known is None:
            raise Problem.not_found()
        failed = not known["successful"]
        return pages(
            lambda page: history.operations(
                page,
                transaction_hash=transaction_hash.lower(),
                payments_only=payments_only,
                include_failed=failed,
            )
        )

    @blueprint.get("/transactions/<transaction_hash>/operations")
    def transaction_operations(transaction_hash: str) -> Response:
        return of_transaction(transaction_hash, payments_only=False)

    @blueprint.get("/transactions/<transaction_hash>/payments")
    def transaction_payments(transaction_hash: str) -> Response:
        return of_transaction(transaction_hash, payments_only=True)

    @blueprint.get("/ledgers")
    def ledgers() -> Response:
        return pages(history.ledgers)

    @blueprint.get("/ledgers/<int:sequence>")
    def ledger(sequence: int) -> Response:
        return _one(history.ledger(sequence), f"/ledgers/{sequence}")


def _account_id(address: str) -> str:
    if not StrKey.is_valid_ed25519_public_key(address):
        raise Problem.bad_request("account_id", "Account ID must start with `G`")
    return address


def _holder(address: str) -> str:
    """An account whose history is asked for; contracts have one too in this sandbox."""
    if address.startswith("M") and StrKey.is_valid_med25519_public_key(address):
        return MuxedAccount.from_account(address).account_id
    return address if StrKey.is_valid_contract(address) else _account_id(address)


def _one(record: dict[str, Any] | None, path: str) -> Response:
    if record is None:
        raise Problem.not_found()
    return hal(link_record(record, path))


def _answer(chain: Chain, records: Records, stream_limit_s: float) -> Response:
    """A page, or a stream of the same records for `Accept: text/event-stream`."""
    wants_stream = "text/event-stream" in request.headers.get("Accept", "")
    page = read_page(chain.history.now_cursor(), stream=wants_stream)
    try:
        if not wants_stream:
            return hal(page_document(records(page), page))
        deadline_s = time.monotonic() + stream_limit_s
        records(page)  # so that a page from before history is refused before the stream opens
        path, base = request.path, base_url()

        def show(record: dict[str, Any]) -> str:
            return json.dumps(link_record(record, path, base=base))

        body = _events(chain, records, page, show, deadline_s)
        return Response(body, mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})
    except BeforeHistory as old:
        raise Problem.before_history() from old


def _events(
    chain: Chain,
    records: Records,
    page: Page,
    show: Callable[[dict[str, Any]], str],
    deadline_s: float,
) -> Iterator[str]:
    """Hello, records as they are ingested, byebye after `limit` records or at the deadline."""
    yield 'retry: 1000\nevent: open\ndata: "hello"\n\n'
    sent, cursor, heartbeat_s = 0, page.cursor, time.monotonic() + _HEARTBEAT_S
    while sent < page.limit and time.monotonic() < deadline_s:
        chain.ledgers.tick()
        for record in records(Page(cursor, page.order, page.limit - sent)):
            cursor = int(record["paging_token"])
            sent += 1
            yield f"id: {cursor}\ndata: {show(record)}\n\n"
        if page.order == "desc":
            break
        if time.monotonic() >= heartbeat_s:
            # A comment line finds out that the reader has gone, so that the thread ends.
            heartbeat_s += _HEARTBEAT_S
            yield ": waiting\n\n"
        time.sleep(_STREAM_POLL_S)
    yield 'retry: 10\nevent: close\ndata: "byebye"\n\n'
