"""A second look at what seems to differ in a list of Airtm's: alone, and after our row was read.

A list is a moment old when it is compared, so what differs there may only have moved.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from offerhub.ports.errors import ProviderFailure
from offerhub.services.comparing.findings import Found, Section
from offerhub.store import operations as operations_store
from offerhub.store.database import connection

MOST = 500

Item = TypeVar("Item")
Row = TypeVar("Row")


def take(
    section: Section,
    suspects: Mapping[str, Item | None],
    *,
    find: Callable[[str], Item | None],
    read: Callable[[str], Row | None],
    judge: Callable[[Row | None, Item | None], Found | None],
    moving: Found,
) -> None:
    """Look at each suspect again, at most MOST; what still differs is added to the section.

    suspects: what was listed under a code of ours, None if nothing. find: asks Airtm for one. read:
    our row, in a connection. judge: the difference, or `moving` while it is too young to count.
    Not inside a transaction.
    """
    for code, listed in list(suspects.items())[:MOST]:
        try:
            item = find(code)
        except ProviderFailure as failure:
            section.failed(code, failure)
            continue
        except ValueError:
            item = listed  # a code that is not of our making cannot be asked for
        with connection():
            row, busy = read(code), _is_worked_on(code)
        found = judge(row, item)
        if found is None:
            continue
        if busy or found is moving:
            section.moving += 1
        else:
            section.found.append(found)


def _is_worked_on(subject_id: str) -> bool:
    latest = operations_store.latest_for(subject_id)
    return latest is not None and latest.status == "PENDING"
