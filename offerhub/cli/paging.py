"""Reading a list of the services on, page by page, for a command that prints it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from offerhub.services.context import Page

PAGE: Final = 100  # the largest that lists give


def gather(ask: Callable[[int, str | None], "Page"], *, limit: int) -> list[dict[str, Any]]:
    """The first `limit` items; that there are more is said on stderr.

    ask: one page of the list, by its size and its cursor.
    """
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < limit:
        page = ask(min(PAGE, limit - len(found)), cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
    click.echo(f"There are more than these {limit}: see --limit.", err=True)
    return found
