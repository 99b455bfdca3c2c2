"""What a step of an operation is: intent, call, outcome, and how to find out after a crash.

A flow is a tuple of steps. The engine writes each step down before its call (with the signed
transaction, if it sends one) and after it; a step whose outcome is unknown is looked up by our own
reference and only then repeated.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from offerhub.ports.chain import SignedTransaction, TransactionOutcome
from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.services.context import App, Context
from offerhub.store.operations import Operation
from offerhub.store.operations import Step as StepRow


@dataclass(frozen=True, slots=True)
class Run:
    """One operation being performed. `ctx` acts for the system, under the original request id."""

    ctx: Context
    operation: Operation

    @property
    def app(self) -> App:
        return self.ctx.app

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.operation.facts)

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.operation.params)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The intent: what will be asked for, and the transaction that asks it, if it is one."""

    request: dict[str, Any]
    transaction: SignedTransaction | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Which transactions of `source` would be a step's effect. Asked only after a restore."""

    source: str
    matches: Callable[[SignedTransaction, TransactionOutcome], bool]


def payment(*, source: str, destination: str, amount_stroops: int) -> Sought:
    """A movement of exactly this much from one address to the other."""

    def matches(_: SignedTransaction, outcome: TransactionOutcome) -> bool:
        ends = (source, destination)
        moved = [t.amount_stroops for t in outcome.transfers if (t.source, t.destination) == ends]
        return sum(moved) == amount_stroops > 0

    return Sought(source, matches)


@dataclass(frozen=True, slots=True)
class Done:
    """It has happened. `facts` join the operation's."""

    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Not known yet: look again after `delay_s`. `note` is kept on the step."""

    delay_s: float
    note: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """It has not happened so far; making the very same call again is safe."""


@dataclass(frozen=True, slots=True)
class Never:
    """Proven: this attempt did not and cannot happen any more. Prepare the step anew.

    `fee_refusal`: the network's word when it did not happen because its fee could not be paid, or
    was too low. Repeating cures that only a few times; then the operator must.
    """

    fee_refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Final: it was refused and nothing happened."""

    failure: Rejected


Verdict = Done | Wait | Absent | Never | Refused


class AwaitsXlm(Exception):
    """A signer cannot pay its fee yet. Not a failure: nothing was tried, and no attempt is spent.

    The message says which account lacks what, for the operator.
    """


class Contradiction(Exception):
    """What happened outside is not what was asked for, or cannot be written down here.

    No further attempt can cure that: the operation is stuck at once, and keeps what it holds.
    """


@contextmanager
def only_reading() -> Iterator[None]:
    """Inside, a refusal is a reading that failed: Unavailable. Only a refused call is a refusal.

    Otherwise a gateway's 403 would pay the user back while the money is on its way.
    """
    try:
        yield
    except Rejected as refusal:
        raise Unavailable(
            refusal.message, provider=refusal.provider, code=refusal.code
        ) from refusal


@contextmanager
def seeing_what_was_made(refusal: Rejected) -> Iterator[None]:
    """Inside, a step whose call was refused looks for what an earlier call of it has made.

    Its process may have died after the call, so the row cannot tell that there was one. While
    it cannot be looked up the refusal settles nothing: OutcomeUnknown.
    """
    try:
        yield
    except ProviderFailure as failure:
        raise OutcomeUnknown(
            f"{refusal.message}; and it cannot be seen whether it was made before:"
            f" {failure.message}",
            provider=refusal.provider,
            code=refusal.code,
            retry_after_s=failure.retry_after_s,
        ) from failure


class Step(Protocol):
    """One provider call of a flow. Only `on_prepared` and `apply` run inside a transaction."""

    name: str

    def claims(self, run: Run) -> Sequence[str]:
        """Signing accounts (and wallets) that nobody else may use meanwhile."""
        ...

    def skip(self, run: Run) -> str | None:
        """Why the step is not needed, or None. Asked while the claims are held."""
        ...

    def request(self, run: Run) -> dict[str, Any]:
        """What is asked for, in words that an operator understands."""
        ...

    def sent_before(self, run: Run) -> Sought | Done | None:
        """After a restore: how to know the step's effect among what was forgotten.

        Done when it is seen to be there already; None when doing it again does no harm.
        """
        ...

    def prepare(self, run: Run) -> Prepared | Done:
        """Make the intent; may call providers, but only what has no effect."""
        ...

    def on_prepared(self, run: Run, row: StepRow) -> None:
        """Further writes that belong to the intent's own transaction."""
        ...

    def call(self, run: Run, row: StepRow) -> Verdict:
        """Have the effect. May raise the three failures of `ports.errors`."""
        ...

    def look_up(self, run: Run, row: StepRow) -> Verdict:
        """Find out, by our reference, what became of an earlier call.

        A refusal of the reading itself (Rejected) proves nothing and counts as Unavailable.
        """
        ...

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        """Write down what happened: states, books, events. Must bear being asked once only."""
        ...


class BaseStep:
    """Defaults: no claims, never skipped, harmless to repeat, nothing more to write."""

    name = ""

    def claims(self, run: Run) -> Sequence[str]:
        return ()

    def skip(self, run: Run) -> str | None:
        return None

    def request(self, run: Run) -> dict[str, Any]:
        return {}

    def sent_before(self, run: Run) -> Sought | Done | None:
        return None

    def on_prepared(self, run: Run, row: StepRow) -> None:
        """Nothing further belongs to the intent."""

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        """The outcome is kept on the step and in the operation's facts; nothing else changes."""


class Flow(Protocol):
    """The steps of one kind of operation, and what a refusal of one of them means."""

    kind: str

    @property
    def steps(self) -> Sequence[Step]: ...

    def plan(self, run: Run) -> Sequence[Step]:
        """The steps of this operation, in order; the same at every call for one operation."""
        ...

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        """Undo what the request had done, in the engine's transaction.

        Returns: FAILED when everything is undone; STUCK when an operator must decide.
        """
        ...

    def finished(self, run: Run) -> None:
        """After the last step, in its transaction."""
        ...


class BaseFlow:
    """A flow whose every operation has the same steps, and nothing to do after the last."""

    kind = ""
    steps: Sequence[Step] = ()

    def plan(self, run: Run) -> Sequence[Step]:
        return self.steps

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "STUCK"

    def finished(self, run: Run) -> None:
        """Nothing further."""
