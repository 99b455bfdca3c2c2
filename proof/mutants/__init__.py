"""Defects put into a copy of the code on purpose: for each, a test must fail.

P1 to P11 are the defects of the older system, the others are further ways to lose money or a rule.
A mutant that no test notices is a test that is missing. `python -m proof.mutants P1 M3` runs some.
"""

from proof.mutants.running import run

__all__ = ["run"]
