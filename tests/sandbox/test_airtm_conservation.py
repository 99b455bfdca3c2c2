"""Random histories at Airtm: no money appears, none is lost, and none is paid twice."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offerhub.sandbox.airtm import (
    account,
    balances,
    bounces,
    payins,
    payouts,
    progress,
    script,
    treasury,
)
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.states import FINAL_STATUSES, NotPossible
from offerhub.sandbox.airtm.world import AirtmWorld, TransferRefused
from offerhub.sandbox.clock import SandboxClock
from offerhub.sandbox.config import BUYER, SEED_USERS, SELLER
from offerhub.sandbox.knobs import AirtmKnobs, Knobs
from offerhub.sandbox.store import SandboxStore
from tests.sandbox.airtm_world import payin_body, payout_body

USD = 10_000_000
PEOPLE = [BUYER, SELLER] * 4 + [user.email for user in SEED_USERS] + ["nobody@example.com"]
CENTS = st.one_of(st.integers(1, 20_000), st.integers(1, 300_000))
WHICH = st.integers(0, 4)


class Rail:
    """A chain that takes every second transfer."""

    def __init__(self) -> None:
        self.calls = 0

    def send_usdc(self, *, to: str, amount_stroops: int, memo: str | None) -> str:
        self.calls += 1
        if self.calls % 2 == 0:
            raise TransferRefused("not this one")
        return f"hash-{self.calls}"

    def accepts_address(self, address: str) -> bool:
        return True


STEPS = st.one_of(
    st.tuples(st.just("payin"), CENTS),
    st.tuples(st.just("pay"), WHICH, st.sampled_from(PEOPLE), st.booleans()),
    st.tuples(st.sampled_from(["confirm", "decline", "payin_fail", "payin_delete"]), WHICH),
    st.tuples(
        st.just("payout"), CENTS, st.integers(0, 500), st.sampled_from(PEOPLE), st.booleans()
    ),
    st.tuples(
        st.sampled_from(["commit", "delete", "process", "wait", "complete", "fail", "bounce"]),
        WHICH,
    ),
    st.tuples(st.just("withdraw"), CENTS),
    st.tuples(st.just("credit"), CENTS),
    st.tuples(st.just("time"), st.integers(0, 20 * 86_400)),
)


def make_world(knobs: AirtmKnobs) -> tuple[AirtmWorld, list[str]]:
    store = SandboxStore(":memory:")
    knob_store, announced = Knobs(store), list[str]()
    knob_store.seed(knobs)
    world = AirtmWorld(
        store=store,
        clock=SandboxClock(store),
        knob_store=knob_store,
        announce=lambda kind, data: announced.append(f"{kind} {data['id']}"),
        stellar=Rail(),
    )
    world.install()
    script.seed(world, new_users=SEED_USERS, available_stroops=2_000 * USD)
    return world, announced


def take(world: AirtmWorld, number: int, step: tuple) -> None:
    """Perform one step; what Airtm or the script refuses changes nothing."""
    kind, arguments = step[0], step[1:]
    if kind == "payin":
        amount = arguments[0] / 100
        payins.create(world, json.dumps(payin_body(f"topup_{number}", amount)).encode())
    elif kind == "pay":
        payins.pay(
            world, _nth(world, "airtm_payins", arguments[0]), email=arguments[1], late=arguments[2]
        )
    elif kind in ("confirm", "decline", "payin_fail", "payin_delete"):
        payin_id = _nth(world, "airtm_payins", arguments[0])
        {
            "confirm": lambda: payins.confirm(world, payin_id),
            "decline": lambda: payins.cancel(world, payin_id, processing_too=True),
            "payin_fail": lambda: payins.fail(world, payin_id, reason="x"),
            "payin_delete": lambda: payins.cancel(world, payin_id),
        }[kind]()
    elif kind == "payout":
        body = payout_body(
            f"wd_{number}",
            arguments[0] / 100,
            enterpriseFee=arguments[1] / 100,
            airtmUserEmail=arguments[2],
            commit=arguments[3],
        )
        payouts.create(world, json.dumps(body).encode())
    elif kind == "withdraw":
        _withdraw(world, arguments[0] / 100)
    elif kind == "credit":
        account.deposit(world, amount_stroops=arguments[0] * 100_000)
    elif kind == "time":
        world.clock.advance(seconds=arguments[0])
        while progress.advance_due(world):
            pass
    else:
        _payout_step(world, kind, _nth(world, "airtm_payouts", arguments[0]))


def _payout_step(world: AirtmWorld, kind: str, payout_id: str) -> None:
    if kind == "commit":
        payouts.commit(world, payout_id)
    elif kind == "delete":
        payouts.cancel(world, payout_id)
    elif kind == "bounce":
        bounces.bounce(world, payout_id)
    else:
        payouts.step(world, payouts.get(world, payout_id), kind)


def _withdraw(world: AirtmWorld, amount: float) -> None:
    body = {"type": "stellar usdc", "currency": "USDC", "alias": "t", "address": "G"}
    created = treasury.create_crypto_account(world, json.dumps(body).encode())
    request = {"amount": amount, "externalAccountId": created["id"]}
    treasury.create_withdrawal(world, json.dumps(request).encode())


def _nth(world: AirtmWorld, table: str, number: int) -> str:
    rows = world.store.query(f"SELECT id FROM {table} ORDER BY seq")
    return rows[number % len(rows)]["id"] if rows else "none"


def expected_available_and_pending(world: AirtmWorld) -> int:
    """What the enterprise must own, from the operations alone."""
    sums = {
        "deposits": "SELECT coalesce(sum(amount), 0) AS n FROM airtm_deposits",
        "payins": "SELECT coalesce(sum(net_amount), 0) AS n FROM airtm_payins"
        " WHERE status = 'CONFIRMED'",
        "payouts": "SELECT coalesce(sum(amount), 0) AS n FROM airtm_payouts"
        " WHERE status = 'COMPLETED'",
        "withdrawals": "SELECT coalesce(sum(amount), 0) AS n FROM airtm_withdrawals"
        " WHERE status <> 'FAILED'",
    }
    value = {name: world.store.one(sql)["n"] for name, sql in sums.items()}
    return value["deposits"] + value["payins"] - value["payouts"] - value["withdrawals"]


def check(world: AirtmWorld) -> None:
    all_of = balances.all_balances(world)
    assert sum(all_of.values()) == 0
    assert all(value >= 0 for name, value in all_of.items() if name != balances.OUTSIDE)
    owned = all_of[balances.AVAILABLE] + all_of[balances.PENDING]
    assert owned == expected_available_and_pending(world)
    held = world.store.one(
        "SELECT coalesce(sum(amount), 0) AS n FROM airtm_payouts"
        " WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELED')"
    )["n"]
    assert all_of[balances.PENDING] == held
    in_checkout = sum(value for name, value in all_of.items() if name.startswith("payin:"))
    processing = world.store.one(
        "SELECT coalesce(sum(amount), 0) AS n FROM airtm_payins WHERE status = 'PROCESSING'"
    )["n"]
    assert in_checkout == processing


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(
    steps=st.lists(STEPS, min_size=20, max_size=60),
    payin_fee_bps=st.integers(0, 1000),
    payout_fee_bps=st.integers(0, 1000),
    settle_ms=st.sampled_from([0, 60_000]),
)
def test_money_is_conserved_in_every_history(steps, payin_fee_bps, payout_fee_bps, settle_ms):
    knobs = AirtmKnobs(
        payin_fee_bps=payin_fee_bps,
        payout_fee_bps=payout_fee_bps,
        payin_settle_delay_ms=settle_ms,
        payout_to_unknown_email=True,
    )
    world, announced = make_world(knobs)
    for number, step in enumerate(steps):
        before = balances.all_balances(world)
        try:
            take(world, number, step)
        except (AirtmError, NotPossible, balances.NotEnough):
            after = balances.all_balances(world)
            assert {k: v for k, v in after.items() if v} == {k: v for k, v in before.items() if v}
        check(world)
    _check_announcements(world, announced)


def _check_announcements(world: AirtmWorld, announced: list[str]) -> None:
    """Each final status was announced; only a payin paid late can be canceled a second time."""
    once = [text for text in announced if not text.startswith("payin.canceled")]
    assert len(once) == len(set(once))
    for table in ("airtm_payins", "airtm_payouts"):
        family = table.removeprefix("airtm_").removesuffix("s")
        for row in world.store.query(f"SELECT id, status FROM {table}"):
            if row["status"] in FINAL_STATUSES:
                assert f"{family}.{row['status'].lower()} {row['id']}" in announced
