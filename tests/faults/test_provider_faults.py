"""Every call that a flow makes to a provider goes wrong, in every way; the end is always the same.

Nothing is refunded early and nothing happens twice: each case counts its effects at the provider
and compares all books with the sandbox's own.
"""

import re
from typing import Any

import pytest

from offerhub.sandbox.faults import KINDS
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES, Case, Subject
from tests.services.world import World

pytestmark = pytest.mark.proves("F5")

BY_NAME = {case.name: case for case in CASES}
# The split's calls are those of the deployment, the funding and the refund: by default those do.
NAMES = [
    pytest.param(name, marks=pytest.mark.full if name == "split with dust" else ())
    for name in BY_NAME
]
SPOILING = tuple(kind for kind in KINDS if kind != "delay")
AFTER = tuple(kind for kind in SPOILING if kind.endswith("_after"))

# What tells one resource from another in a path: addresses, hashes, our ids and theirs.
_IDS = re.compile(
    r"[GC][A-Z2-7]{55}|[0-9a-f]{64}|(?:topup|wd)_[A-Za-z0-9_-]{21}"
    r"|[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9a-f]{24,}(?=/|$)|[\w.+-]+@[\w.-]+"
)

# The calls with an effect: (case, method, where). Each is spoilt by itself, in every way.
EFFECTS = (
    ("wallet", "POST", "/horizon/transactions_async$"),
    ("pay-in", "POST", "/airtm/v2/.*pay"),
    ("deployment", "POST", "send-transaction$"),
    ("funding", "POST", "send-transaction$"),
    ("bridged funding", "POST", "/horizon/transactions_async$"),
    ("release", "POST", "send-transaction$"),
    ("refund", "POST", "send-transaction$"),
    ("refund", "POST", "/horizon/transactions_async$"),
    ("withdrawal", "POST", "/horizon/transactions_async$"),
    ("pay-out", "POST", "/payouts$"),
    ("pay-out", "POST", "/commit$"),
    ("sweep", "POST", "/horizon/transactions_async$"),
)


def drain(world: World, subject: Subject) -> None:
    world.drain(subject.more.get("app", world.app))


def calls_of(world: World, since: int) -> list[dict[str, Any]]:
    return world.sandbox.journal.list(since=since)


def newest_call(world: World) -> int:
    return max((call["seq"] for call in calls_of(world, 0)), default=0)


def pattern_of(path: str) -> str:
    pieces = _IDS.split(path)
    return "^" + "[^/]+".join(re.escape(piece) for piece in pieces) + "$"


def patterns(world: World, case: Case) -> set[tuple[str, str]]:
    """The different calls of a flow, from an undisturbed run of it; kept per world."""
    kept: dict[str, set[tuple[str, str]]] = world.__dict__.setdefault("patterns", {})
    if case.name not in kept:
        subject = case.begin(world)
        since = newest_call(world)
        drain(world, subject)
        kept[case.name] = {
            (call["method"], pattern_of(call["path"])) for call in calls_of(world, since)
        }
        case.check(world, subject)
    return kept[case.name]


def spoil(world: World, case: Case, kind: str, rules: set[tuple[str, str]]) -> int:
    """Run a case with these calls spoilt once each, and check its end; how many calls were."""
    subject = case.begin(world)
    ids = [
        world.sandbox.rules.add(
            {"kind": kind, "method": method, "path_regex": path, "delay_s": 0.01}
        ).id
        for method, path in sorted(rules)
    ]
    drain(world, subject)
    spoilt = {rule["id"]: rule["applied"] for rule in world.sandbox.rules.list()}
    # After a lost answer a look-up may take the place of a later call.
    assert spoilt[ids[0]] == 1 if len(ids) == 1 else sum(spoilt.values()) >= 1
    world.healthy()
    case.check(world, subject)
    return sum(spoilt.values())


def on(engine: str, kinds: tuple[str, ...], *, default: tuple[str, ...]) -> list[Any]:
    """(database, kind) parameters; those that are not in `default` run with `--full` only."""
    return [
        pytest.param(engine, kind, marks=() if kind in default else pytest.mark.full)
        for kind in kinds
    ]


ON_BOTH = [
    *on(
        "sqlite", SPOILING,
        default=("rate_limited", "truncated_after"),
    ),
    *on("postgres", SPOILING, default=("timeout_after", "error_503_before")),
]  # fmt: skip
AFTER_ON_BOTH = [
    *on("sqlite", AFTER, default=("timeout_after", "wrong_body_after")),
    *on("postgres", AFTER, default=("timeout_after", "reset_after")),
]


@pytest.mark.parametrize(
    ("_module_world", "kind"), ON_BOTH, indirect=["_module_world"], scope="module"
)
@pytest.mark.parametrize("name", NAMES)
def test_a_flow_whose_every_call_fails_once_ends_as_if_none_had(
    shared_world: World, name: str, kind: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    figure("faults", spoil(shared_world, case, kind, patterns(shared_world, case)))


@pytest.mark.parametrize(
    ("_module_world", "kind"), AFTER_ON_BOTH, indirect=["_module_world"], scope="module"
)
@pytest.mark.parametrize(
    ("name", "method", "where"), EFFECTS, ids=[f"{n} {w}" for n, _, w in EFFECTS]
)
def test_an_effect_whose_answer_is_lost_happens_once(
    shared_world: World, name: str, method: str, where: str, kind: str, figure: Figure
) -> None:
    figure("faults", spoil(shared_world, BY_NAME[name], kind, {(method, where)}))
    figure("lost_answers", 1)


@pytest.mark.full
@pytest.mark.parametrize("kind", SPOILING)
@pytest.mark.parametrize("name", BY_NAME)
def test_each_single_call_may_fail_in_each_way(
    shared_world: World, name: str, kind: str, figure: Figure
) -> None:
    case = BY_NAME[name]
    for rule in sorted(patterns(shared_world, case)):
        figure("faults", spoil(shared_world, case, kind, {rule}))


@pytest.mark.parametrize("name", ["funding", "pay-out", "withdrawal"])
def test_a_provider_that_is_away_for_long_delays_and_changes_nothing(
    shared_world: World, name: str
) -> None:
    case = BY_NAME[name]
    subject = case.begin(shared_world)
    for provider in ("airtm", "trustless_work", "horizon"):
        for kind in ("timeout_after", "error_503_before", "rate_limited", "html_502_after"):
            shared_world.fault(kind, provider=provider, times=4, delay_s=0.01)
    drain(shared_world, subject)
    shared_world.healthy()
    case.check(shared_world, subject)
