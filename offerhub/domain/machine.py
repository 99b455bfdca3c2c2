"""State tables as data, and the one engine that checks every change."""

from collections.abc import Mapping
from dataclasses import dataclass

from offerhub.domain.errors import InvalidState


@dataclass(frozen=True)
class Machine:
    """The legal changes of one entity: `table[state]` is the set of states that may follow.

    Every state has an entry; one with an empty set is terminal.
    """

    name: str
    initial: str
    table: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        known = self.states
        for source, targets in self.table.items():
            if source in targets:
                raise ValueError(f"{self.name}: {source} leads to itself")
            if not targets <= known:
                raise ValueError(f"{self.name}: {source} leads to unknown {targets - known}")
        if self.initial not in known:
            raise ValueError(f"{self.name}: unknown initial state {self.initial}")

    @property
    def states(self) -> frozenset[str]:
        return frozenset(self.table)

    @property
    def terminal(self) -> frozenset[str]:
        return frozenset(state for state, targets in self.table.items() if not targets)

    def allowed(self, state: str) -> tuple[str, ...]:
        """The states that may follow `state`, sorted. Raises: ValueError for an unknown state."""
        if state not in self.table:
            raise ValueError(f"{self.name} has no state {state!r}")
        return tuple(sorted(self.table[state]))

    def can(self, state: str, target: str) -> bool:
        return target in self.allowed(state)

    def sources(self, target: str) -> tuple[str, ...]:
        """The states from which `target` may be reached directly, sorted."""
        return tuple(sorted(s for s, targets in self.table.items() if target in targets))

    def check(self, state: str, target: str, *, resource_id: str = "") -> str:
        """`target`, if the table allows it from `state`.

        Raises: InvalidState with the current and the allowed states.
        """
        allowed = self.allowed(state)
        if target not in allowed:
            raise InvalidState(
                f"The {self.name} {resource_id} is {state}; it cannot become {target}.",
                current_state=state,
                allowed_states=allowed,
            )
        return target


def table(**rows: str) -> dict[str, frozenset[str]]:
    """A state table from `STATE="NEXT OTHER"`; an empty text marks a terminal state."""
    return {state: frozenset(targets.split()) for state, targets in rows.items()}
