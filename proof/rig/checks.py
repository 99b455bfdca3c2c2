"""The invariants of a quiet deployment, each a pure function from evidence to findings.

Findings are sentences; none means that the invariant holds. They compute from rows and from the
providers' own books, and repeat none of the product's code that they judge.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal

from proof.rig.evidence import Evidence

STROOPS = 10_000_000
NOTHING = Decimal(0)
PROTOCOL_BPS, PLATFORM_BPS, WHOLE_BPS = 30, 250, 10_000
Findings = Iterator[str]


def stroops(text: object) -> int:
    """Exact, from decimal text."""
    return int(Decimal(str(text)) * STROOPS)


def sums_are_zero(e: Evidence) -> Findings:
    """I1: entries sum to zero, in each transfer and in all."""
    sums: dict[str, int] = defaultdict(int)
    for transfer, _, amount in e.entries:
        sums[transfer] += amount
    for transfer, total in sums.items():
        if total:
            yield f"I1: the entries of transfer {transfer} sum to {total} stroops, not to zero"


def balances_are_their_entries(e: Evidence) -> Findings:
    """I2: every balance is what its entries add up to, and none is below zero."""
    folded: dict[str, int] = defaultdict(int)
    for _, account, amount in e.entries:
        folded[account] -= amount
    for name, balance in e.accounts:
        if balance != folded[name]:
            yield f"I2: {name} says {balance} stroops, its entries say {folded[name]}"
        if balance < 0:
            yield f"I2: {name} is below zero: {balance} stroops"
    for found in e.book_findings:
        yield f"I2: `ledger check` found {found['invariant']}: {found['subject']}"


def books_match_the_world(e: Evidence) -> Findings:
    """I3: each asset account is what its place holds, and no place of ours holds more."""
    for row in e.places:
        if not row["same"]:
            yield f"I3: {row['account']} is {row['ours']}, but {row['place']} holds {row['theirs']}"
    known = {row["place"] for row in e.places}
    held = {a["address"]: a["usdc"] for a in e.world["stellar"]["accounts"]}
    holders = {address: held.get(address) for address in e.wallets}
    holders |= {c["contract"]: c["balance"] for c in e.world["stellar"]["contracts"]}
    for place, amount in holders.items():
        if place not in known and Decimal(str(amount or 0)) != NOTHING:
            yield f"I3: {place} holds {amount} that no account of ours knows of"


def one_effect_each(e: Evidence) -> Findings:
    """I4: what was asked once happened once at the provider, and nothing happened unasked."""
    yield from _airtm(e, "payins", "top-up", [(t[0], t[1], t[2]) for t in e.topups],
                      ours="TOPUP_SUCCEEDED")  # fmt: skip
    paid_out = [(w[0], w[1], w[2]) for w in e.withdrawals if w[3] == "AIRTM_BALANCE"]
    yield from _airtm(e, "payouts", "withdrawal", paid_out, ours="WITHDRAWAL_COMPLETED")
    arrived: dict[str, list[int]] = defaultdict(list)
    into: dict[str, list[int]] = defaultdict(list)
    out_of: dict[str, set[str]] = defaultdict(set)
    for transfer in e.world["stellar"]["transfers"]:
        arrived[transfer["to"]].append(stroops(transfer["amount"]))
        into[transfer["to"]].append(stroops(transfer["amount"]))
        out_of[transfer["from"]].add(transfer["hash"])
    for id_, amount, status, kind, address in e.withdrawals:
        if kind == "CRYPTO":
            wanted = [amount] if status == "WITHDRAWAL_COMPLETED" else []
            if arrived[address] != wanted:
                yield f"I4: withdrawal {id_} ({status}) sent {arrived[address]}, not {wanted}"
    yield from _contracts(e, into, out_of)


def _airtm(
    e: Evidence, list_: str, noun: str, asked: list[tuple[str, int, str]], *, ours: str
) -> Findings:
    known = {id_: (amount, status) for id_, amount, status in asked}
    by_code = Counter(item["code"] for item in e.world["airtm"][list_])
    for code, count in by_code.items():
        if count > 1:
            yield f"I4: Airtm has {count} {list_} of {noun} {code}"
        if code not in known:
            yield f"I4: Airtm has one of its {list_} for {code}, which is no {noun} of ours"
    amounts = {item["code"]: stroops(item["amount"]) for item in e.world["airtm"][list_]}
    for id_, (amount, status) in known.items():
        if status == ours and amounts.get(id_) != amount:
            yield f"I4: {noun} {id_} of {amount} stroops is {amounts.get(id_)} at Airtm"


def _contracts(e: Evidence, into: dict[str, list[int]], out_of: dict[str, set[str]]) -> Findings:
    known = {row[1] for row in e.escrows}
    for contract in e.world["stellar"]["contracts"]:
        if contract["contract"] not in known:
            yield f"I4: contract {contract['contract']} was deployed and belongs to no order"
    parts = Counter(order for order, _ in e.milestones)
    closed = {id_ for id_, _, status in e.orders if status == "CLOSED"}
    for order, contract, amount, _ in e.escrows:
        if order not in closed:
            continue
        if into[contract] != [amount]:
            yield f"I4: the contract of {order} was funded with {into[contract]}, not [{amount}]"
        payouts, wanted = len(out_of[contract]), max(1, parts[order])
        if payouts != wanted:
            yield f"I4: the contract of {order} paid out {payouts} times, not {wanted}"


def events_arrived(e: Evidence) -> Findings:
    """I5: no gap, nothing twice; the reader had all in order, the sink had each at least once."""
    numbers = [sequence for sequence, _ in e.events]
    if None in numbers:
        yield f"I5: {numbers.count(None)} events have no place on the stream"
    placed = sorted(n for n in numbers if n is not None)
    if placed != list(range(1, len(placed) + 1)):
        yield f"I5: {len(placed)} places from {placed[:1]} to {placed[-1:]} have a gap or a double"
    due = [(n, id_) for n, id_ in e.events if n is not None and n > e.after]
    got = [n for n, _ in e.read]
    if got != sorted(got):
        yield "I5: the stream went back: its reader got an older event after a newer one"
    unread = set(due) - set(e.read)
    if unread:
        yield f"I5: {len(unread)} events never reached the stream's reader, such as {min(unread)}"
    unsent = [event for event in due if not e.delivered.get(event[1])]
    if unsent:
        yield (
            f"I5: {len(unsent)} of {len(due)} events never reached the webhook's sink,"
            f" such as {unsent[0]}"
        )
    if e.forged:
        yield f"I5: {len(e.forged)} webhooks were not believed: {'; '.join(e.forged[:3])}"


def audit_verifies(e: Evidence) -> Findings:
    """I6."""
    if not e.audit.get("valid"):
        yield f"I6: the audit chain does not verify: {e.audit}"


def all_is_finished(e: Evidence) -> Findings:
    """I7: after the drain nothing is under way; and no client waited in vain."""
    for name, count in e.unfinished:
        yield f"I7: after the drain there are {count} {name}"
    for failure in e.ends.failures:
        yield f"I7: a client gave up: {failure}"


def promises_are_kept(e: Evidence) -> Findings:
    """Whatever a 2xx said is there, with its amount; nothing that was over has come back."""
    found = {row[0]: (row[1], row[2]) for row in [*e.orders, *e.topups, *e.withdrawals]}
    over = {"CLOSED"}
    for promise in e.promises:
        id_, amount = str(promise.data.get("id", "")), promise.data.get("amount")
        if id_.partition("_")[0] not in {"ord", "topup", "wd"}:
            continue
        there = found.get(id_)
        if there is None:
            yield f"promise: {promise.path} answered {promise.status} with {id_}, which is lost"
            continue
        if amount is not None and there[0] != stroops(amount):
            yield f"promise: {id_} was promised with {amount} and has {there[0]} stroops"
        if promise.data.get("status") in over and there[1] not in over:
            yield f"promise: {id_} was answered as {promise.data['status']} and is {there[1]}"


def balances_follow_from_the_answers(e: Evidence) -> Findings:
    """Each user's available money, computed from what clients were told and nothing else."""
    expected = expected_balances(e)
    for user, balance in e.available.items():
        if balance != expected.get(user, 0):
            yield (
                f"replay: {user} has {balance} stroops available, the answers add up to"
                f" {expected.get(user, 0)}"
            )


def expected_balances(e: Evidence) -> dict[str, int]:
    """In stroops by user. Fees: docs/money.md; a refund's fees are borne by the platform."""
    money: dict[str, int] = defaultdict(int, e.deposited)
    for topup in e.ends.topups:
        if topup["status"] == "TOPUP_SUCCEEDED":
            money[topup["user_id"]] += stroops(topup["net_amount_exact"])
    for withdrawal in e.ends.withdrawals:
        if withdrawal["status"] == "WITHDRAWAL_COMPLETED":
            money[withdrawal["user_id"]] -= stroops(withdrawal["amount"])
    for order in e.ends.orders:
        amount = stroops(order["amount"])
        way, buyer, seller = order.get("way"), order["buyer_id"], order["seller_id"]
        if way in {"release", "milestones", "split"}:
            money[buyer] -= amount
        if way == "release":
            money[seller] += amount - _fees(amount)
        elif way == "milestones":
            money[seller] += sum(p - _fees(p) for p in (stroops("12.50"), stroops("7.51")))
        elif way == "split":
            for user, share in ((seller, stroops("12.00")), (buyer, stroops("8.01"))):
                money[user] += share - share * _fees(amount) // amount
    return money


def _fees(amount: int) -> int:
    return amount * PROTOCOL_BPS // WHOLE_BPS + amount * PLATFORM_BPS // WHOLE_BPS


ALL: tuple[Callable[[Evidence], Findings], ...] = (
    sums_are_zero, balances_are_their_entries, books_match_the_world, one_effect_each,
    events_arrived, audit_verifies, all_is_finished, promises_are_kept,
    balances_follow_from_the_answers,
)  # fmt: skip


def findings(e: Evidence) -> list[str]:
    """What does not hold, over all invariants; at most a few of each kind are worth reading."""
    return [found for check in ALL for found in check(e)]


def lost_or_doubled_stroops(e: Evidence) -> int:
    """How far the books are from the world, and from what clients were told."""
    world = sum(abs(stroops(r["ours"]) - stroops(r["theirs"])) for r in e.places)
    expected = expected_balances(e)
    told = sum(abs(balance - expected.get(user, 0)) for user, balance in e.available.items())
    return world + told
