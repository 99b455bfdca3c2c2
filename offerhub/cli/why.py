"""`offerhub why ID`: everything that explains one thing, in the order of time."""

import json
from typing import Any

import click


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True,
    help="How many lines at most; the newest are kept.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, with every detail.")
def why(id_: str, limit: int, as_json: bool) -> None:
    """Tell the whole story of ID: requests, changes, ledger, operations, events, webhooks.

    ID is one of ours (an order, user, top-up, withdrawal, dispute, transfer, operation, event,
    request …), an idempotency key, the marketplace's own reference, or the outside world's: a
    pay-in, pay-out, contract, transaction or address. Lines with > are the very thing asked for.
    Exit code 1 when nothing is known under it.
    """
    from offerhub.cli.application import operator_context
    from offerhub.cli.exits import Failure
    from offerhub.domain.errors import OfferHubError
    from offerhub.services import explanation

    try:
        found = explanation.explain(operator_context(), id_, limit=limit)
    except OfferHubError as error:
        raise Failure(error.message) from error
    click.echo(json.dumps(found) if as_json else words(found))


def words(found: dict[str, Any]) -> str:
    """The story for a person; entries of the ledger are lines of their own."""
    from offerhub.logs import printable

    told = []
    for one in found["found"]:
        status = (one["state"] or {}).get("status")
        if one["id"] == found["id"]:
            now = f", now {status}" if status else ""
            told.append(f"{found['id']} is {one['what']}{now}.")
        else:
            # The thing asked for has a state of its own, which is not that of what it belongs to.
            now = f", which is now {status}" if status else ""
            told.append(f"{found['id']} is {one['what']}; it belongs to {one['id']}{now}.")
        if one["provider_said"]:
            told.append(f"  The provider said: {one['provider_said']}")
    told += [
        f"{line['what']}." for line in found["lines"]
        if line["source"] == "outcome" and line["id"] == found["id"]
    ]  # fmt: skip
    if found["truncated"]:
        told.append(f"There is more; these are the newest {len(found['lines'])} lines.")
    told.append("")
    width = max((len(line["source"]) for line in found["lines"]), default=0)
    for line in found["lines"]:
        mark = ">" if line["asked_for"] else " "
        told.append(
            f"{line['at']} {mark} {line['source']:<{width}}  {line['what']}  [{line['id']}]"
        )
        told += [_entry(entry, width) for entry in line["detail"].get("entries", [])]
        told += _request(line, width)
    return "\n".join(printable(line) for line in told)


def _entry(entry: dict[str, Any], width: int) -> str:
    after = entry["balance_after_exact"]
    then = f"  then {after}" if after is not None else ""
    return f"{'':<{28 + width}}{entry['account']:<56} {entry['amount_exact']:>16}{then}"


def _request(line: dict[str, Any], width: int) -> list[str]:
    """By which request, and under which idempotency key."""
    if line["source"] != "request":
        return []
    named = [
        f"{name.replace('_', ' ')} {line['detail'][name]}"
        for name in ("request_id", "idempotency_key")
        if line["detail"].get(name)
    ]
    return [f"{'':<{28 + width}}{', '.join(named)}"] if named else []
