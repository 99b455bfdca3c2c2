"""Sends generated requests, some of them about subjects that exist, and judges the answers.

All of Schemathesis' checks run, and one more: what is valid by its form is refused for the state of
its subject alone (`beyond_schemas` has the exceptions).
"""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from offerhub.domain.scopes import SCOPES
from offerhub.ports.outgoing import Answered
from offerhub.providers.trustlesswork.webhooks import TrustlessWorkWebhooks
from tests.api.caller import Caller, open_api
from tests.api.surface import beyond_schemas
from tests.api.surface.market import Market

load_all_checks()
HINT_SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()
WITHDRAWAL = {
    "amount": "5.00", "destination_type": "AIRTM_BALANCE", "destination_ref": "seller@example.com",
}  # fmt: skip
TOPUP = {
    "amount": "5.00", "return_url": "https://s.example/", "cancel_url": "https://s.example/",
}  # fmt: skip


class Quiet:
    """Posts webhooks nowhere."""

    def check(self, url: str) -> None:
        """Every address is good."""

    def post(self, url: str, **_: Any) -> Answered:
        return Answered(204)


@dataclass
class Target:
    """The application, and subjects for requests: `known` is for all, `fresh` makes one for one.

    accepted, refused: how many valid requests were answered how.
    """

    market: Market
    caller: Caller
    schema: Any
    known: dict[str, str]
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def prepare(self, case: Any, *, about_known: bool) -> None:
        """Keep the answer from waiting or streaming; put subjects that exist in their places."""
        for name in ("Prefer", "Accept"):
            (case.headers or {}).pop(name, None)
        if not about_known:
            return
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = str(uuid4())
        for part in (case.path_parameters, case.query, case.body):
            if isinstance(part, dict):
                part.update({name: self.known[name] for name in set(part) & set(self.known)})
        self.spare(case)

    def spare(self, case: Any) -> None:
        """Give an operation that would leave its subject in another state one of its own."""
        make = FRESH.get(_name(case))
        if make is not None:
            case.path_parameters.update(make(self))

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.caller.key}"}

    def send(self, case: Any) -> None:
        """Call, and hold the answer against the description."""
        self.judge(case, case.call(headers=self.headers))

    def judge(self, case: Any, answer: Any, *, recorder: Any = None) -> None:
        """recorder: knows the requests before this one, for checks that look back at them."""
        excluded: list[Any] = []
        if not case.meta.generation.mode.is_positive:
            excluded += [negative_data_rejection] if lost_on_the_way(case, answer) else []
        elif self._is_excused(case, answer):
            excluded += [positive_data_acceptance]
        case.validate_response(
            answer,
            headers=self.headers,
            transport_kwargs={"headers": self.headers},
            excluded_checks=excluded,
            recorder=recorder,
        )

    def _is_excused(self, case: Any, answer: Any) -> bool:
        """Whether a rule that no schema can say explains a refusal.

        Fails for a code that says that the request is not valid, when it is and no rule does.
        """
        if answer.status_code < 400:
            self.accepted += 1
            return False
        if "json" not in answer.headers.get("content-type", [""])[0]:
            return False
        error = answer.json()["error"]
        self.refused[error["code"]] = self.refused.get(error["code"], 0) + 1
        if error["code"] not in beyond_schemas.OF_FORM:
            return False
        sent = beyond_schemas.Sent(
            _name(case), case.body if isinstance(case.body, dict) else None, dict(case.query or {})
        )
        if not beyond_schemas.explained(sent, error):
            raise AssertionError(f"{case.operation.label}: valid, but {error}\n{sent}")
        return True


def lost_on_the_way(case: Any, answer: Any) -> bool:
    """Whether what makes the query invalid, a parameter too many, is not in the URL that was sent.

    An empty list or object has no form in a URL, so the request that arrives is a valid one.
    """
    known = {one.name for one in case.operation.query}
    unknown = set(case.query or {}) - known
    sent = parse_qs(urlsplit(answer.request.url).query, keep_blank_values=True)
    return bool(unknown) and not unknown & set(sent)


def _name(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def open_target(market: Market) -> Target:
    """The whole application over a market; its webhooks go nowhere."""
    app = replace(
        market.world.app,
        webhook_sender=Quiet(),
        escrow_webhooks=TrustlessWorkWebhooks(HINT_SECRET),
    )
    caller = open_api(market.world, app=app)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", caller.flask_app)
    schema.config.checks.positive_data_acceptance.expected_statuses = [
        "2xx", "3xx", *beyond_schemas.STATUSES_OF_STATE,
    ]  # fmt: skip
    return Target(market, caller, schema, _known(market))


def _known(market: Market) -> dict[str, str]:
    buyer, seller = market.buyer, market.seller
    market.credit(seller, "10000.00")
    order_id = market.with_milestones()
    dispute_id = market.disputed(market.in_progress("10.00"))
    topup = market.api.made("/topups", {"user_id": buyer, **TOPUP})
    withdrawal = market.api.made("/withdrawals", {"user_id": seller, **WITHDRAWAL})
    endpoint = market.api.made(
        "/webhook-endpoints", {"url": "http://127.0.0.1:9/hooks", "events": ["wallet.*"]}
    )
    market.world.drain()
    key = market.api.made("/auth/api-keys", {"name": "spare", "scopes": list(SCOPES)})
    run = market.api.made("/admin/reconciliations")
    operation = market.shown("/admin/operations?limit=1")[0]
    return {
        "user_id": buyer, "buyer_id": buyer, "seller_id": seller, "amount": "1.00",
        "order_id": order_id, "milestone_ref": "draft", "dispute_id": dispute_id,
        "topup_id": topup["id"], "withdrawal_id": withdrawal["id"], "key_id": key["id"],
        "reconciliation_id": run["id"], "operation_id": operation["id"],
        "endpoint_id": endpoint["id"],
    }  # fmt: skip


def _user(target: Target) -> dict[str, str]:
    body = {"external_user_id": str(uuid4()), "type": "BOTH"}
    return {"user_id": target.market.api.made("/users", body)["id"]}


def _order(target: Target, *steps: str) -> dict[str, str]:
    market, known = target.market, target.known
    order_id = market.order("1.00", buyer_id=known["buyer_id"], seller_id=known["seller_id"])
    for step in steps:
        market.api.made(f"/orders/{order_id}/{step}")
    return {"order_id": order_id}


def _key(target: Target) -> dict[str, str]:
    made = target.market.api.made("/auth/api-keys", {"name": "spare", "scopes": ["read"]})
    return {"key_id": made["id"]}


def _topup(target: Target) -> dict[str, str]:
    body = {"user_id": target.known["user_id"], **TOPUP}
    return {"topup_id": target.market.api.made("/topups", body)["id"]}


def _withdrawal(target: Target) -> dict[str, str]:
    body = {"user_id": target.known["seller_id"], **WITHDRAWAL}
    return {"withdrawal_id": target.market.api.made("/withdrawals", body)["id"]}


def _endpoint(target: Target) -> dict[str, str]:
    body = {"url": "http://127.0.0.1:9/hooks", "events": ["wallet.*"]}
    return {"endpoint_id": target.market.api.made("/webhook-endpoints", body)["id"]}


# Operations that leave their subject in another state, which the next request would stumble over.
FRESH: dict[str, Callable[[Target], dict[str, str]]] = {
    "update_user": _user,
    "reserve_order": _order,
    "cancel_order": _order,
    "create_escrow": lambda target: _order(target, "reserve"),
    "revoke_api_key": _key,
    "cancel_topup": _topup,
    "commit_withdrawal": _withdrawal,
    "cancel_withdrawal": _withdrawal,
    "delete_webhook_endpoint": _endpoint,
}
