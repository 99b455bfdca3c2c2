"""Airtm's lists, read to their end: every pay-in, every pay-out. Knows no HTTP client."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from offerhub.ports.errors import Unavailable
from offerhub.ports.payments import Payin, Payout
from offerhub.providers.airtm.client import MOST_PAGES
from offerhub.providers.airtm.mapping import PROVIDER, Unreadable, items_of

_Listed = TypeVar("_Listed", Payin, Payout)


def all_of(
    pages: Iterable[Any], reader: Callable[[Any], _Listed]
) -> tuple[tuple[_Listed, ...], bool]:
    """Every record, and whether the list ended before MOST_PAGES.

    A record that is on two pages, for the list moved meanwhile, counts as on the later one.
    Raises: Unavailable for a page that cannot be read.
    """
    found: dict[str, _Listed] = {}
    count = 0
    try:
        for page in pages:
            count += 1
            for one in items_of(page):
                record = reader(one)
                found[record.provider_id] = record
    except Unreadable as error:
        raise Unavailable(f"airtm gave an unreadable list: {error}", provider=PROVIDER) from error
    return tuple(found.values()), count < MOST_PAGES
