"""Whatever the description allows, and what it forbids: answers stay within the description.

Each operation gets generated requests, valid and invalid ones, some with ids that exist. All of
Schemathesis' checks run but those in WITHOUT, with the reason beside each.
"""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks as openapi_checks

from offerhub.ports.outgoing import Answered
from offerhub.providers.trustlesswork.webhooks import TrustlessWorkWebhooks
from offerhub.services import maintenance
from tests.api.caller import Caller, open_api
from tests.api.conformance import described
from tests.api.surface.market import Market
from tests.fixtures.proof import Figure

pytestmark = pytest.mark.proves("F26")

load_all_checks()
FULL = bool(os.environ.get("OFFERHUB_TEST_FULL"))
EXAMPLES = int(os.environ.get("OFFERHUB_TEST_EXAMPLES", "40" if FULL else "3"))

WITHOUT = {
    # A cursor that was never given, an id that nothing has, a split that does not add up: valid
    # by their form, and refused. No schema can say such rules.
    openapi_checks.positive_data_acceptance,
}
# Any text may stand in these paths, and there is nothing else to get wrong.
NEVER_INVALID = {"/api/v1/topups/{topup_id}/return", "/api/v1/topups/{topup_id}/cancel"}
HINT_SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()

OPERATIONS = sorted(
    (method, path)
    for path, item in described()["paths"].items()
    for method in item
    if method != "parameters"
)


class Quiet:
    """Posts webhooks nowhere."""

    def check(self, url: str) -> None:
        """Every address is good."""

    def post(self, url: str, **_: Any) -> Answered:
        return Answered(204)


@dataclass(frozen=True)
class Target:
    caller: Caller
    schema: Any
    known: dict[str, str]


def _target(market: Market, known: dict[str, str]) -> Target:
    app = replace(
        market.world.app,
        webhook_sender=Quiet(),
        escrow_webhooks=TrustlessWorkWebhooks(HINT_SECRET),
    )
    caller = open_api(market.world, app=app)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", caller.flask_app)
    return Target(caller, schema, known)


def _known(market: Market) -> dict[str, str]:
    """Ids of resources that generated requests may work on."""
    order_id = market.with_milestones()
    dispute_id = market.disputed(market.in_progress("10.00"))
    topup = market.api.made(
        "/topups",
        {"user_id": market.buyer, "amount": "5.00", "return_url": "https://s.example/",
         "cancel_url": "https://s.example/"},
    )  # fmt: skip
    market.credit(market.seller, "50.00")
    withdrawal = market.api.made(
        "/withdrawals",
        {"user_id": market.seller, "amount": "5.00", "destination_type": "AIRTM_BALANCE",
         "destination_ref": "seller@example.com"},
    )  # fmt: skip
    market.world.drain()
    key = market.api.made("/auth/api-keys", {"name": "spare", "scopes": ["read"]})
    run = market.api.made("/admin/reconciliations")
    operation = market.shown("/admin/operations?limit=1")[0]
    return {
        "user_id": market.buyer, "buyer_id": market.buyer, "seller_id": market.seller,
        "order_id": order_id, "milestone_ref": "draft", "dispute_id": dispute_id,
        "topup_id": topup["id"], "withdrawal_id": withdrawal["id"], "key_id": key["id"],
        "reconciliation_id": run["id"], "operation_id": operation["id"],
    }  # fmt: skip


_targets: dict[str, Target] = {}


@pytest.fixture
def target(market: Market) -> Iterator[Target]:
    """One application for all operations of a world; nothing stays switched off."""
    name = market.world.app.policy.marketplace_id
    found = _targets.get(name)
    if found is None:
        found = _targets[name] = _target(market, _known(market))
    yield found
    if maintenance.current(market.world.ctx)["enabled"]:
        maintenance.switch(market.world.ctx, enabled=False)
        del _targets[name]  # its gate remembers for a second


def _with_known(case: Any, known: dict[str, str], *, chosen: bool) -> None:
    """Put ids that exist in the places of ids, in half of the cases."""
    if chosen:
        for part in (case.path_parameters, case.body):
            if isinstance(part, dict):
                part.update({name: known[name] for name in set(part) & set(known)})


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_stay_within_the_description(
    target: Target, method: str, path: str, mode: GenerationMode, figure: Figure, proof_seed: int
) -> None:
    operation = target.schema[path][method.upper()]
    parts = (operation.body, operation.query, operation.path_parameters, operation.headers)
    if not any(parts) or path in NEVER_INVALID:
        mode = GenerationMode.POSITIVE

    requests = count()

    @seed(proof_seed)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), chosen=st.booleans())
    def hold(case: Any, chosen: bool) -> None:
        if mode is GenerationMode.POSITIVE:
            _with_known(case, target.known, chosen=chosen)
        for name in ("Prefer", "Accept"):
            (case.headers or {}).pop(name, None)
        next(requests)
        case.call_and_validate(
            headers={"Authorization": f"Bearer {target.caller.key}"},
            excluded_checks=list(WITHOUT),
        )

    hold()
    figure("requests", next(requests))
