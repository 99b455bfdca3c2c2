"""Every mutant there is."""

from proof.mutants import guards, money, older_system
from proof.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*older_system.MUTANTS, *money.MUTANTS, *guards.MUTANTS)
