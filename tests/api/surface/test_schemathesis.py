"""Whatever the description allows, and what it forbids: answers stay within the description.

Each operation gets generated requests, valid and invalid ones, some about subjects that exist. All
of Schemathesis' checks run, and `generated` has one of our own.
"""

import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from offerhub.services import maintenance
from tests.api.conformance import described
from tests.api.surface.generated import Target, lost_on_the_way, open_target
from tests.api.surface.market import Market
from tests.fixtures.proof import Figure

pytestmark = [pytest.mark.proves("F26"), pytest.mark.timeout(600)]

FULL = bool(os.environ.get("OFFERHUB_TEST_FULL"))
EXAMPLES = int(os.environ.get("OFFERHUB_TEST_EXAMPLES", "40" if FULL else "3"))

OPERATIONS = sorted(
    (method, path)
    for path, item in described()["paths"].items()
    for method in item
    if method != "parameters"
)


# A scenario is a chain of so many requests, each with what answers before it named.
STEPS = 8
# Lists name the fixture's own subjects too, which such a request must not end.
SPOILING = {"update_user", "revoke_api_key"}


_targets: dict[str, Target] = {}


@pytest.fixture
def target(market: Market) -> Iterator[Target]:
    """One application for all operations of a world; nothing stays switched off."""
    name = market.world.app.policy.marketplace_id
    found = _targets.get(name)
    if found is None:
        found = _targets[name] = open_target(market)
    yield found
    if maintenance.current(market.world.ctx)["enabled"]:
        maintenance.switch(market.world.ctx, enabled=False)
        del _targets[name]  # its gate remembers for a second


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_answers_stay_within_the_description(
    target: Target, method: str, path: str, mode: GenerationMode, figure: Figure, proof_seed: int
) -> None:
    operation = target.schema[path][method.upper()]
    if not any((operation.body, operation.query, operation.path_parameters, operation.headers)):
        mode = GenerationMode.POSITIVE

    requests, accepted = count(), target.accepted

    @seed(proof_seed)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), about_known=st.booleans())
    def hold(case: Any, about_known: bool) -> None:
        target.prepare(case, about_known=about_known and mode is GenerationMode.POSITIVE)
        next(requests)
        target.send(case)

    hold()
    figure("requests", next(requests))
    figure("accepted", target.accepted - accepted)


def test_what_one_answer_names_the_next_request_may_use(
    target: Target, figure: Figure, proof_seed: int
) -> None:
    """Chains of requests by the links that Schemathesis finds: made, read, changed, ended.

    Checks that look back take part: what was made is there, and what was ended is not.
    """
    steps, accepted = count(), target.accepted

    chained = target.schema.exclude(operation_id="switch_maintenance")  # it ends all others

    class Chain(chained.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": target.headers}

        def before_call(self, case: Any) -> None:
            target.prepare(case, about_known=False)
            if case.path_parameters and case.operation.definition.raw["operationId"] in SPOILING:
                target.spare(case)

        def validate_response(self, answer: Any, case: Any, *_: Any, **__: Any) -> None:
            next(steps)
            target.judge(case, answer, recorder=self.recorder)

    seed(proof_seed)(Chain)
    Chain.run(
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
    )
    figure("requests", next(steps))
    figure("accepted", target.accepted - accepted)
    assert target.accepted > accepted


@pytest.mark.parametrize(
    ("query", "lost"), [({"limit": 1, "x": []}, True), ({"limit": 1, "x": "1"}, False)]
)
def test_a_parameter_that_has_no_form_in_a_url_is_known_not_to_be_sent(
    target: Target, query: dict[str, object], lost: bool
) -> None:
    case = target.schema["/api/v1/disputes"]["GET"].Case(query=query)
    answer = case.call(headers=target.headers)
    assert answer.status_code == (200 if lost else 400)
    assert lost_on_the_way(case, answer) is lost
