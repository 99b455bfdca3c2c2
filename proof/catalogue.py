"""Every case of the proof: what is broken, what must hold, on which databases, and how it is run.

A case runs in one or more ways. "suite": the tests marked with its id, by pytest. "rig": real
processes of a deployment, from `proof.rig`. "soak": the same for hours, and only if asked for.
"mutant": the defect is put into a copy of the code, and a test must notice, from `proof.mutants`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from proof.plan import DATABASES

Way = Literal["suite", "rig", "soak", "mutant"]
# For tests that touch no database: limiters, clocks, the wire.
NO_DATABASE = "-"
# For tests that use the two at once.
BOTH = "both"


@dataclass(frozen=True)
class Case:
    """databases: on which a full run needs it to have run; a quick run needs any one of them.

    quick: of a case on the rig, the databases of a quick run.
    """

    id: str
    title: str
    ways: tuple[Way, ...] = ("suite",)
    databases: tuple[str, ...] = DATABASES
    quick: tuple[str, ...] = DATABASES


class UnknownCase(ValueError):
    """A case was asked for that is not in the catalogue."""


_SQLITE, _POSTGRES = ("sqlite",), ("postgres",)

CASES: tuple[Case, ...] = (
    Case(
        "F1",
        "API, workers and relay are killed (SIGKILL) at random times under load; every order ends,"
        " and no stroop is lost or doubled",
        ("rig",),
    ),
    Case(
        "F2",
        "a process dies once at every point of every flow; the next one ends the work, with one"
        " effect at the provider",
    ),
    Case(
        "F3",
        "Redis is emptied again and again and then stopped; money routes stay up and no event"
        " is lost",
        ("rig",),
        quick=_POSTGRES,
    ),
    Case(
        "F4",
        "Postgres is restarted, gently and at once, in the middle of writes; every 2xx is there"
        " afterwards and retries with the same key converge",
        ("rig",),
        _POSTGRES,
    ),
    Case(
        "F5",
        "a provider applies the effect and then answers with a timeout, a cut connection, a 500,"
        " half a body or a wrong one; funds stay held and the effect happens once",
    ),
    Case(
        "F6",
        "a provider rejects what it had accepted, or fails after success; no terminal state goes"
        " back and the books are corrected by new entries only",
    ),
    Case(
        "F7",
        "webhooks arrive copied, shuffled, forged, stale and of unknown type; the end is that of"
        " the true ones in order",
    ),
    Case(
        "F8",
        "webhook handlers fail and processes die between receipt and effect; everything is"
        " applied once and what cannot be applied is kept and can be replayed",
    ),
    Case(
        "F9",
        "an SSE client is cut off and comes back again and again while writers commit; it gets"
        " every event once, in order",
        databases=_POSTGRES,
    ),
    Case(
        "F10",
        "streams resume from very old, pruned and senseless ids; all is replayed, or the reset"
        " is said plainly",
        databases=_POSTGRES,
    ),
    Case(
        "F11",
        "two relays and two schedulers at once, the active one of each stopped past its lease and"
        " woken; no sequence number twice and none missing, and one scheduler alone rings",
        ("suite", "rig"),
        quick=_SQLITE,
    ),
    Case(
        "F12",
        "very many withdrawals of one balance and credits of one fee account at once; no"
        " overdraft, no deadlock",
    ),
    Case(
        "F13",
        "very many requests with one idempotency key, with another body, on another route, and"
        " after a crash; one effect",
    ),
    Case(
        "F14",
        "an idempotency key expires while its operation is still unknown; a second effect stays"
        " impossible",
    ),
    Case(
        "F15",
        "bursts at the window's edge, several processes, Redis killed in between; no window lets"
        " more through, nobody is locked out",
        databases=(NO_DATABASE,),
    ),
    Case(
        "F16",
        "the clock jumps by hours and days, is changed to summer time and back, or has a leap"
        " second, during holds, leases and signatures; nothing expires early and nothing is done"
        " twice",
    ),
    Case(
        "F17",
        "webhook sinks are down for days, flap, redirect, dawdle and point inside; the schedule"
        " is kept and no private address is reached",
    ),
    Case(
        "F18",
        "a rotation of wallet keys is killed again and again, ciphertexts are swapped, keys are"
        " wrong; every key stays readable and every swap shows",
    ),
    Case(
        "F19",
        "the audit trail is falsified in a thousand random ways, its end cut off, its past"
        " rewritten; every falsification shows",
    ),
    Case(
        "F20",
        "the disk is full, the pool is empty, a transaction blocks; the answer is 503 and no"
        " journal is half written",
    ),
    Case(
        "F21",
        "SQLite under many processes, killed in checkpoints, copied at random moments; the file"
        " stays whole and the books right",
        databases=_SQLITE,
    ),
    Case(
        "F22",
        "migrations under load and broken half-way; no request fails but by the declared answer,"
        " and the books stay right",
    ),
    Case(
        "F23",
        "a backup made under load is restored elsewhere; reconciliation reports exactly what"
        " happened after it",
    ),
    Case(
        "F24",
        "the network takes sequence numbers, lags, forgets, and applies after our timeout; one"
        " payment, built anew only when the first can no longer apply",
    ),
    Case(
        "F25",
        "providers answer 429 in storms and hundreds of calls are queued; no limit is broken and"
        " nobody starves",
        databases=(NO_DATABASE,),
    ),
    Case(
        "F26",
        "requests generated from the API's description, and random histories of the whole"
        " marketplace; no 5xx, no answer outside the description, right books after every step",
    ),
    Case(
        "F27",
        "the same random operations on SQLite, on Postgres and in a model in plain Python;"
        " balances, states, entries and events are the same after every step",
        databases=(BOTH,),
    ),
    Case(
        "F28",
        "a day at 20 operations per second; memory, latency and tables do not grow",
        ("soak",),
    ),
    Case("P1", "a withdrawal reads the balance and writes an absolute value", ("mutant",), ()),
    Case("P2", "a timed-out payment is marked as failed and refunded", ("mutant",), ()),
    Case("P3", "a webhook counts as a duplicate before it has had its effect", ("mutant",), ()),
    Case("P4", "an answer for an idempotency key is kept apart from its effect", ("mutant",), ()),
    Case("P5", "a release keeps no recovery points between its transactions", ("mutant",), ()),
    Case("P6", "events are emitted after the commit, or lost between reads", ("mutant",), ()),
    Case("P7", "a rate limit is counted and given its end in two steps", ("mutant",), ()),
    Case("P8", "a sealed wallet key is not bound to its row", ("mutant",), ()),
    Case("P9", "a transaction that the database refused is not tried again", ("mutant",), ()),
    Case("P10", "webhooks are believed when no secret is set", ("mutant",), ()),
    Case("P11", "a balance changes without entries that explain it", ("mutant",), ()),
)

_BY_ID = {case.id: case for case in CASES}


def chosen(only: str) -> list[Case]:
    """The cases named in `only` ("F1,P3"); all if it is empty.

    Raises: UnknownCase. Mutants beyond the catalogue (M1, …) are known to `proof.mutants` alone.
    """
    wanted = [name.strip().upper() for name in only.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in _BY_ID and not is_extra_mutant(name)]
    if unknown:
        raise UnknownCase(f"no such case: {', '.join(unknown)} (known: F1 to F28, P1 to P11, M…)")
    return [case for case in CASES if not wanted or case.id in wanted]


def extra_mutants(only: str, *, full: bool) -> list[str]:
    """The mutants named in `only` that have no place in the catalogue; all of a full run's."""
    if full and not only.strip():
        from proof.mutants.catalogue import MUTANTS

        return list(dict.fromkeys(m.case for m in MUTANTS if is_extra_mutant(m.case)))
    names = (name.strip().upper() for name in only.split(","))
    return [name for name in names if is_extra_mutant(name)]


def is_extra_mutant(name: str) -> bool:
    return name[:1] == "M" and name[1:].isdigit()


def title(case_id: str) -> str:
    return _BY_ID[case_id].title if case_id in _BY_ID else ""


def by_way(cases: Iterable[Case], way: Way) -> list[Case]:
    return [case for case in cases if way in case.ways]
