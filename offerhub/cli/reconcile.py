"""`offerhub reconcile`: everything of ours against the providers and the chain, now."""

import json
from typing import Any

import click

from offerhub.cli.exits import Exit


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the run and its differences as JSON.")
def reconcile(as_json: bool) -> None:
    """Compare everything with the providers and the chain, and say what to do about differences.

    Exit code 0 when all that could be asked is the same or was put right, 1 when something is left
    for you, 4 when nothing differs but a provider could not be asked.
    """
    from offerhub.cli.application import operator_context
    from offerhub.logs import printable
    from offerhub.services import reconciliation

    found = reconciliation.run(operator_context())
    click.echo(json.dumps(found) if as_json else "\n".join(map(printable, told(found))))
    raise SystemExit(_code(found))


def _code(found: dict[str, Any]) -> Exit:
    if found["differing"] > found["repaired"]:
        return Exit.FAILED
    return Exit.RESUMABLE if found["unreachable"] else Exit.OK


def told(found: dict[str, Any]) -> list[str]:
    """A run in words: what is left to do, then what was put right, then what was looked at."""
    left = [one for one in found["differences"] if one["status"] == "OPEN"]
    repaired = [one for one in found["differences"] if one["status"] == "REPAIRED"]
    open_ = found["differing"] - found["repaired"]
    lines = [_headline(found, open_)]
    for one in left:
        lines += ["", *_difference(one), f"    do: {one['detail']['do']}"]
    if open_ > len(left):
        lines += ["", f"... and {open_ - len(left)} more, which are not recorded one by one."]
    if repaired:
        lines += ["", f"Put right by this run ({len(repaired)}):"]
        for one in repaired:
            lines += [*_difference(one), f"    done: {one['detail']['repaired']}"]
    lines += ["", "Looked at:"]
    for part in found["coverage"]:
        more = [f"{part['moving']} moving" if part["moving"] else ""]
        more.append(f"{part['unreachable']} COULD NOT BE ASKED" if part["unreachable"] else "")
        said = ", ".join(one for one in more if one)
        lines.append(
            f"  {part['name']:<28} {part['checked']:>7} of {part['total']}"
            + (f"  ({said})" if said else "")
        )
        lines += [f"    {note}" for note in part["notes"]]
    return lines


def _headline(found: dict[str, Any], open_: int) -> str:
    away = f"; {found['unreachable']} could not be asked" if found["unreachable"] else ""
    if open_:
        return f"{found['id']}: {open_} DIFFERENCE{'S' if open_ > 1 else ''} FOR YOU{away}."
    if found["repaired"]:
        return f"{found['id']}: nothing left to do; {found['repaired']} put right{away}."
    return f"{found['id']}: everything agrees{away}."


def _difference(one: dict[str, Any]) -> list[str]:
    detail = one["detail"]
    lines = [
        f"  {one['kind']}: {one['subject_type']} {one['subject_id']} (at {detail['place']})",
        f"    {detail['what']}",
    ]
    if one["ours_exact"] is not None or one["theirs_exact"] is not None:
        ours, theirs = one["ours_exact"], one["theirs_exact"]
        lines.append(f"    ours {_or_nothing(ours)}, theirs {_or_nothing(theirs)}")
    known = {"place", "what", "do", "repaired"}
    facts = [f"{k}={v}" for k, v in detail.items() if k not in known and v is not None]
    if facts:
        lines.append(f"    {', '.join(facts)}")
    return lines


def _or_nothing(amount: str | None) -> str:
    return "-" if amount is None else amount
