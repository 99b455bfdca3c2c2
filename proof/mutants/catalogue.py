"""Every mutant there is."""

from proof.mutants import flows, guards, movements, older_guards, older_money
from proof.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *older_money.MUTANTS,
    *older_guards.MUTANTS,
    *flows.MUTANTS,
    *movements.MUTANTS,
    *guards.MUTANTS,
)
