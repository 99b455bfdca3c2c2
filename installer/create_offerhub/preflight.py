"""Runs the checks, before anything is written, and stops at what failed."""

from collections.abc import Collection, Sequence

from create_offerhub.checks import CHECKS, Check, Place, State
from create_offerhub.exits import NotReady, WrongUsage

CANNOT_BE_IGNORED = frozenset({"directory", "writable", "python", "template", "secrets"})


def run(place: Place) -> tuple[Check, ...]:
    """Every check, in order. A check that breaks is a check that failed."""
    found = []
    for name, check in CHECKS.items():
        try:
            found.append(check(place))
        except OSError as error:
            found.append(Check(name, State.FAIL, error.strerror or str(error), "look at that"))
    return tuple(found)


def refuse(found: Sequence[Check], *, ignored: Collection[str]) -> None:
    """Stop when a check failed that is not ignored. Raises: NotReady, WrongUsage."""
    for name in ignored:
        if name not in CHECKS:
            raise WrongUsage(f"--ignore: there is no check {name!r}; known: {', '.join(CHECKS)}")
        if name in CANNOT_BE_IGNORED:
            raise WrongUsage(f"--ignore: {name} cannot be ignored")
    failed = [check for check in found if check.state is State.FAIL and check.name not in ignored]
    if failed:
        reasons = "\n".join(f"  {check.name}: {check.detail}; {check.fix}" for check in failed)
        raise NotReady(f"nothing was written:\n{reasons}")
