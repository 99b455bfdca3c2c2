"""The two tables in `docs/proof.md`: the cases, from the catalogue, and the results, from a run."""

from pathlib import Path
from typing import Any

from proof import lines
from proof.catalogue import CASES
from proof.plan import Result
from proof.record import CHANGED, Record

DOCUMENT = "docs/proof.md"
RESULTS, CASE_LIST = "results", "cases"
_PATH = Path(__file__).parent.parent / DOCUMENT


class MarkersMissing(ValueError):
    """The document has no place for the table."""


def write_tables(record: Record, path: Path = _PATH) -> None:
    """Put the catalogue and the record's table in their places. Raises: MarkersMissing."""
    text = placed(path.read_text("utf-8"), CASE_LIST, case_list())
    path.write_text(placed(text, RESULTS, table(record)), "utf-8")


def placed(text: str, place: str, what: str) -> str:
    """`text` with `what` between the markers of the place."""
    begin, end = f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise MarkersMissing(f"{DOCUMENT} needs the lines {begin} and {end}")
    return f"{before}{begin}\n\n{what}\n\n{end}{after}"


def case_list() -> str:
    """Every case of the catalogue with what is broken and what must hold."""
    rows = [f"| {case.id} | {'+'.join(case.ways)} | {case.title} |" for case in CASES]
    return "\n".join(["| case | run as | what is broken; what must hold |", "|---|---|---|", *rows])


def table(record: Record) -> str:
    """Circumstances, a row per result, and what was not run.

    The rows say their commits when these are not all the same.
    """
    order = {case.id: number for number, case in enumerate(CASES)}
    results = sorted(record.results, key=lambda r: (order.get(r.case, len(order)), _number(r.case)))
    commits = len(record.commits) > 1
    rows = [_row(result, with_commit=commits) for result in results]
    head = ["| case | database | result | time | found |", "|---|---|---|---|---|"]
    if commits:
        head = ["| case | database | result | time | commit | found |", "|---|---|---|---|---|---|"]
    return "\n".join([_circumstances(record), "", *head, *rows, "", _end(record)])


def _number(case_id: str) -> int:
    return int(case_id[1:]) if case_id[1:].isdigit() else 0


def _row(result: Result, *, with_commit: bool) -> str:
    found = " ".join([*lines.figures(result), *result.findings[:1]]).replace("|", "\\|")
    cells = [result.case, result.database, "pass" if result.passed else "**FAIL**"]
    cells.append(f"{result.took_s:.0f} s")
    cells += [f"`{result.commit}`"] if with_commit else []
    return f"| {' | '.join(cells)} | {f'`{found}` ' if found else ''}|"


def _circumstances(record: Record) -> str:
    """When, which code and which machine; of a run in parts, those of all of them."""
    kind = "Full" if record.full else "Quick"
    code, parts = _commits(record), record.parts
    if len(parts) == 1:
        head = f"{kind} run of {_minute(parts[0])} UTC, {code}"
    else:
        head = (
            f"{kind} run, **composed of {len(parts)} parts** that were begun from"
            f" {_minute(parts[0])} to {_minute(parts[-1])} UTC, {code}"
        )
    machines = "; ".join(dict.fromkeys(_machine(part) for part in parts))
    loads = ", ".join(str(part["machine"]["load_average_before"][0]) for part in parts)
    return (
        f"{head}, seed {record.seed}; {machines}; load average before"
        f" {loads}. Times of suites are the sum over their tests."
    )


def _commits(record: Record) -> str:
    commits = record.commits
    if len(commits) < 2:
        about = record.parts[-1]
        changed = " with uncommitted changes" if about["uncommitted_changes"] else ""
        return f"commit `{about['commit']}`{changed}"
    text = f"commits {', '.join(f'`{commit}`' for commit in commits)} (each row says which"
    marked = any(commit.endswith(CHANGED) for commit in commits)
    return text + (f"; {CHANGED}: with uncommitted changes)" if marked else ")")


def _minute(part: dict[str, Any]) -> str:
    return str(part["at"])[:16].replace("T", " ")


def _machine(part: dict[str, Any]) -> str:
    machine = part["machine"]
    return (
        f"{machine['cpus']} CPUs ({machine['cpu']}), {round(machine['memory_mb'] / 1024)} GB,"
        f" {machine['system']}, Python {part['versions']['python']}"
    )


def _end(record: Record) -> str:
    if not record.ended:
        return "The run did not come to its end; the cases that are missing did not run."
    summary = lines.summary(
        record.results, took_s=record.took_s, not_run=record.not_run, timed=record.timed
    )
    return f"{summary}."
