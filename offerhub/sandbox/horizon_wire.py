"""How Horizon writes things down: HAL documents, links, problem documents, page parameters."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from offerhub.sandbox.chain.history import Page

DEFAULT_LIMIT = 10
MAX_LIMIT = 200
MAX_CURSOR = 2**63 - 1


class Problem(Exception):
    """An error answer: a problem document of Horizon's."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        extras: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.document: dict[str, Any] = {
            "type": f"https://stellar.org/horizon-errors/{kind}",
            "title": title,
            "status": status,
            "detail": detail,
        }
        if extras is not None:
            self.document["extras"] = extras

    @classmethod
    def not_found(cls) -> Problem:
        detail = "The resource at the url requested was not found."
        return cls(404, "not_found", "Resource Missing", detail)

    @classmethod
    def bad_request(cls, field: str, reason: str) -> Problem:
        extras = {"invalid_field": field, "reason": reason}
        detail = "The request you sent was invalid in some way."
        return cls(400, "bad_request", "Bad Request", detail, extras)

    @classmethod
    def before_history(cls) -> Problem:
        detail = "This horizon instance is configured to only track a portion of the network."
        return cls(410, "before_history", "Data Requested Is Before Recorded History", detail)

    @classmethod
    def transaction_failed(cls, codes: dict[str, Any], **extras: str) -> Problem:
        detail = "The transaction failed when submitted to the stellar network."
        return cls(
            400,
            "transaction_failed",
            "Transaction Failed",
            detail,
            {"result_codes": codes, **extras},
        )

    @classmethod
    def transaction_malformed(cls, envelope_xdr: str) -> Problem:
        detail = "Horizon could not decode the transaction envelope in this request."
        extras = {"envelope_xdr": envelope_xdr}
        return cls(400, "transaction_malformed", "Transaction Malformed", detail, extras)

    @classmethod
    def submission_timeout(cls, transaction_hash: str, envelope_xdr: str) -> Problem:
        detail = "Your transaction has not been included yet; its outcome is unknown."
        extras = {"hash": transaction_hash, "envelope_xdr": envelope_xdr}
        title = "Transaction Submission Timeout"
        return cls(504, "transaction_submission_timeout", title, detail, extras)


def problem_response(problem: Problem) -> Response:
    """The HTTP answer of a Problem."""
    body = json.dumps(problem.document)
    return Response(body, status=problem.status, mimetype="application/problem+json")


def hal(document: dict[str, Any], status: int = 200) -> Response:
    """A JSON answer with Horizon's media type."""
    return Response(json.dumps(document), status=status, mimetype="application/hal+json")


def base_url() -> str:
    """Where this Horizon is mounted, as the caller sees it."""
    return f"{request.host_url.rstrip('/')}{request.script_root}/horizon"


def link_record(record: dict[str, Any], path: str, *, base: str | None = None) -> dict[str, Any]:
    """The record with the links that a reader follows: itself and its transaction.

    base: `base_url()` of the request, where none is being handled any more.
    """
    base = base or base_url()
    links = {"self": {"href": f"{base}{path.removeprefix('/horizon')}"}}
    transaction_hash = record.get("transaction_hash") or record.get("hash")
    if "type_i" in record:
        links["self"] = {"href": f"{base}/operations/{record['id']}"}
    if transaction_hash and "sequence" not in record:
        links["transaction"] = {"href": f"{base}/transactions/{transaction_hash}"}
    return {"_links": links, **record}


def page_document(records: list[dict[str, Any]], page: Page) -> dict[str, Any]:
    """A HAL page; `next` is always there and stays put when there is nothing yet."""
    kept = "" if page.cursor is None else str(page.cursor)
    last = records[-1]["paging_token"] if records else kept
    first = records[0]["paging_token"] if records else kept
    reverse = "asc" if page.order == "desc" else "desc"
    return {
        "_links": {
            "self": {"href": _page_href(request.args.get("cursor", ""), page.order, page.limit)},
            "next": {"href": _page_href(last, page.order, page.limit)},
            "prev": {"href": _page_href(first, reverse, page.limit)},
        },
        "_embedded": {"records": [link_record(r, request.path) for r in records]},
    }


def _page_href(cursor: str, order: str, limit: int) -> str:
    kept = {k: v for k, v in request.args.items() if k not in ("cursor", "order", "limit")}
    query = urlencode({**kept, "cursor": cursor, "limit": limit, "order": order})
    return f"{base_url()}{request.path.removeprefix('/horizon')}?{query}"


def read_page(now_cursor: int, *, stream: bool) -> Page:
    """The paging parameters of the current request. Raises Problem (400)."""
    order = request.args.get("order") or "asc"
    if order not in ("asc", "desc"):
        raise Problem.bad_request("order", "order: invalid value, expected asc or desc")
    limit_text = request.args.get("limit") or str(DEFAULT_LIMIT)
    if not limit_text.isdigit() or not 1 <= int(limit_text) <= MAX_LIMIT:
        raise Problem.bad_request("limit", f"limit must be between 1 and {MAX_LIMIT}")
    # On a stream the header wins: a reconnecting reader repeats its first cursor parameter.
    text = request.args.get("cursor") or ""
    if stream and request.headers.get("Last-Event-ID"):
        text = request.headers["Last-Event-ID"]
    if not text:
        cursor = None
    elif text == "now":
        cursor = now_cursor
    elif text.isdigit() and int(text) <= MAX_CURSOR:
        cursor = int(text)
    else:
        raise Problem.bad_request("cursor", "cursor must contain exactly one 64-bit number")
    return Page(cursor, "desc" if order == "desc" else "asc", int(limit_text))


def fee_stats(ledger: int, base_fee_stroops: int) -> dict[str, Any]:
    """The document of `/fee_stats`; every percentile is the one price that holds here."""
    names = ["max", "min", "mode", *(f"p{n}" for n in (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99))]
    spread = {name: str(base_fee_stroops) for name in names}
    return {
        "last_ledger": str(ledger),
        "last_ledger_base_fee": "100",
        "ledger_capacity_usage": "0.97" if base_fee_stroops > 100 else "0.02",
        "fee_charged": spread,
        "max_fee": spread,
    }
