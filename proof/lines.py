"""Results as lines for people: one when a case ends, and a summary when all have."""

from collections.abc import Sequence

from proof.plan import Figure, Result


def line(result: Result, *, full: bool) -> str:
    """`PASS F5 postgres 41 s seed=1 calls=37`; of a failure also what to run to see it again."""
    verdict = "PASS" if result.passed else "FAIL"
    head = f"{verdict} {result.case:<4} {result.database:<8} {result.took_s:6.0f} s"
    text = " ".join([head, f"seed={result.seed}", *figures(result)])
    if result.passed:
        return text
    findings = [f"       {finding}" for finding in result.findings[:10]]
    if len(result.findings) > 10:
        findings.append(f"       … and {len(result.findings) - 10} more")
    return "\n".join([text, *findings, f"       alone: {alone(result, full=full)}"])


def figures(result: Result) -> list[str]:
    return [f"{name}={shown(value)}" for name, value in result.figures.items()]


def shown(value: Figure) -> str:
    """A figure without digits that say nothing."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.3g}"
    return str(value)


def alone(result: Result, *, full: bool) -> str:
    """The command that runs this case again by itself, with the same seed."""
    words = ["./run proof", "--only", result.case, "--seed", str(result.seed)]
    if "hours" in result.figures:
        words += ["--soak", shown(result.figures["hours"])]
    if result.database in {"sqlite", "postgres"}:
        words += ["--database", result.database]
    return " ".join([*words, *(["--full"] if full else [])])


def summary(
    results: Sequence[Result], *, took_s: float, not_run: Sequence[str], timed: bool = True
) -> str:
    """What it comes to, and what was not run at all. timed: whether `took_s` is all of it."""
    failed = [f"{result.case} {result.database}" for result in results if not result.passed]
    cases = {result.case for result in results}
    text = f"{len(cases)} cases, {len(results)} results, {len(failed)} failed,"
    text += f"{'' if timed else ' at least'} {took_s:.0f} s"
    if not_run:
        text += f"; not run: {', '.join(not_run)}"
    return "\n".join([text, *(f"failed: {', '.join(failed)}" for _ in failed[:1])])
