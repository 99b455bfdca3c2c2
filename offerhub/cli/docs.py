"""`offerhub docs`: documents that are printed from the code, so that they cannot differ from it.

`./run docs` writes them under `docs/`; a test compares.
"""

import click

STATE_MACHINES_INTRO = """\
# States

This document is printed from the tables in `offerhub/domain/` by `offerhub docs state-machines`;
`./run docs` writes it again.

One engine checks every change against these tables. A change that a table does not allow is
refused with 409 `INVALID_STATE` (for escrows `ESCROW_INVALID_STATE`) and the fields
`current_state` and `allowed_states`. Each change writes the row, the ledger (if money moves), the
audit record and the event in one database transaction. A report that comes late or out of order
never moves a state backwards.
"""

EVENTS_INTRO = """\
# Events

This document is printed from the catalogue in `offerhub/domain/events.py` and
`offerhub/events/catalogue.py` by `offerhub docs events`; `./run docs` writes it again.

Every event has the same envelope:

| field | meaning |
|---|---|
| `event_id` | `evt_…`; drop one that you have seen |
| `event_type` | one of the types below |
| `occurred_at` | when the change was committed to, UTC |
| `aggregate_type`, `aggregate_id` | the resource that changed |
| `sequence` | the place on the stream: 1, 2, 3 …, without a gap |
| `payload` | what is listed below; resources look as the API shows them |
| `metadata` | `correlation_id` (the request), `causation_id`, `user_ids`, `marketplace_id` |

An event is a row written in the transaction of its cause. The relay then gives it its place on
the stream, in the order in which it finds committed rows. Delivery is at least once and in the
order of `sequence`, by `GET /api/v1/events` and by webhooks. A reader resumes after the last
`sequence` that it has handled.

A JSON Schema of each type and an example of it are in the OpenAPI document, under `webhooks`
([openapi.json](api/openapi.json)); a deployment shows them at `/api/v1/docs`.

Filters: `*` is every type, `order.*` every type of one kind, `order.created` one type. A pattern
that can never match is refused. "Concerns" names the users whose bound tokens see the event.
"""

ERRORS_INTRO = """\
# Errors

This document is printed from the catalogue in `offerhub/domain/errors.py` by
`offerhub docs errors`; `./run docs` writes it again.

An error answers `{"error": {"code", "message", "details", "request_id"}}`. Decide by `code`; the
message may be a more exact one than the one below. "Again" says when another try makes sense:
`no`, `later` (the same request, after a while) or `after a change` of the request or the resource.
"""

# What the tables hold beyond the names of the states.
NOTES = {
    "order": "`ESCROW_CREATING` goes back only when the contract is proven not to be on chain,"
    " `RELEASE_REQUESTED` and `REFUND_REQUESTED` only when nothing of them is; `DISPUTED` only when"
    " one milestone's dispute is resolved and others are left. `resolution` of a closed order is"
    " `CANCELED`, `RELEASED`, `REFUNDED` or `SPLIT`.",
    "top-up": "`TOPUP_CANCELED` becomes `TOPUP_SUCCEEDED` only as a late success: the money came"
    " after our own expiry.",
    "withdrawal": "The hold ends with `COMPLETED` (paid), or with `FAILED` or `CANCELED`"
    " (returned). A state that is not known keeps it.",
    "escrow": "`FAILED` is a deployment that is proven not to be on chain. A split ends `RELEASED`"
    " with `resolution` `SPLIT`.",
    "dispute": "A dispute cannot be resolved before somebody is assigned.",
    "user": "Only an `ACTIVE` user moves money out.",
    "operation": "A stuck operation waits for an operator, who retries or settles it.",
    "operation step": "`EXPIRED` is proven never to have happened; the step is prepared anew.",
}


@click.group()
def docs() -> None:
    """Print the documents that are made from the code."""


@docs.command("state-machines")
def state_machines() -> None:
    """Print every state table, in Markdown."""
    click.echo(state_machines_text(), nl=False)


@docs.command()
def events() -> None:
    """Print the catalogue of events, in Markdown."""
    click.echo(events_text(), nl=False)


@docs.command()
def errors() -> None:
    """Print the catalogue of errors, in Markdown."""
    click.echo(errors_text(), nl=False)


def state_machines_text() -> str:
    """The document of all state tables."""
    from offerhub.domain import disputes, escrows, operations, orders, topups, users, withdrawals

    machines = (
        orders.ORDER, topups.TOPUP, withdrawals.WITHDRAWAL, escrows.ESCROW, disputes.DISPUTE,
        orders.MILESTONE, users.USER, users.WALLET, operations.OPERATION, operations.STEP,
    )  # fmt: skip
    parts = [STATE_MACHINES_INTRO]
    for machine in machines:
        rows = [
            f"| `{state}` | {', '.join(f'`{t}`' for t in machine.allowed(state)) or '(the end)'} |"
            for state in machine.table
        ]
        parts.append(
            "\n".join(
                [
                    f"## {machine.name[0].upper()}{machine.name[1:]}\n",
                    f"Begins as `{machine.initial}`. {NOTES.get(machine.name, '')}".rstrip() + "\n",
                    "| from | to |",
                    "|---|---|",
                    *rows,
                    "",
                ]
            )
        )
    return "\n".join(parts)


def events_text() -> str:
    """The document of all events."""
    from offerhub.domain.events import AGGREGATES, EVENT_TYPES
    from offerhub.events.catalogue import DESCRIBED

    parts = [EVENTS_INTRO]
    for aggregate in AGGREGATES:
        parts.append(f"## {aggregate}\n\n| type | when | payload | concerns |\n|---|---|---|---|")
        for name in EVENT_TYPES:
            if name.startswith(f"{aggregate}."):
                described = DESCRIBED[name]
                parts.append(
                    f"| `{name}` | {described.when} | {described.payload} | {described.users} |"
                )
        parts.append("")
    return "\n".join(parts)


def errors_text() -> str:
    """The document of all error codes."""
    from offerhub.domain.errors import CATALOG

    rows = [
        f"| `{e.code}` | {e.status} | {e.message} | {e.retry.replace('_', ' a ')} |"
        for e in sorted(CATALOG.values(), key=lambda e: (e.status, e.code))
    ]
    head = "| code | HTTP | meaning | again |\n|---|---|---|---|"
    return "\n".join([ERRORS_INTRO, head, *rows, ""])
