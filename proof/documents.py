"""The two tables in `docs/proof.md`: the cases, from the catalogue, and the results, from a run."""

from pathlib import Path

from proof import lines
from proof.catalogue import CASES
from proof.plan import Result
from proof.record import Record

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
    """Circumstances, a row per result, and what was not run."""
    order = {case.id: number for number, case in enumerate(CASES)}
    results = sorted(record.results, key=lambda r: (order.get(r.case, len(order)), _number(r.case)))
    rows = [_row(result) for result in results]
    head = ["| case | database | result | time | found |", "|---|---|---|---|---|"]
    return "\n".join([_circumstances(record), "", *head, *rows, "", _end(record)])


def _number(case_id: str) -> int:
    return int(case_id[1:]) if case_id[1:].isdigit() else 0


def _row(result: Result) -> str:
    found = " ".join([*lines.figures(result), *result.findings[:1]]).replace("|", "\\|")
    verdict = "pass" if result.passed else "**FAIL**"
    return (
        f"| {result.case} | {result.database} | {verdict} | {result.took_s:.0f} s | `{found}` |"
        if found
        else f"| {result.case} | {result.database} | {verdict} | {result.took_s:.0f} s | |"
    )


def _circumstances(record: Record) -> str:
    """When, which code and which machine."""
    about, machine = record.circumstances, record.circumstances["machine"]
    changed = " with uncommitted changes" if about["uncommitted_changes"] else ""
    return (
        f"{'Full' if record.full else 'Quick'} run of {about['at'][:16].replace('T', ' ')} UTC,"
        f" commit `{about['commit']}`{changed}, seed {record.seed}; {machine['cpus']} CPUs"
        f" ({machine['cpu']}), {round(machine['memory_mb'] / 1024)} GB, {machine['system']},"
        f" Python {about['versions']['python']}; load average before"
        f" {machine['load_average_before'][0]}. Times of suites are the sum over their tests."
    )


def _end(record: Record) -> str:
    if record.took_s <= 0:
        return "The run did not come to its end; the cases that are missing did not run."
    return lines.summary(record.results, took_s=record.took_s, not_run=record.not_run) + "."
