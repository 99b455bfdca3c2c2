"""Lists: one page at a time, or every item with the pages fetched on the way."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from offerhub.sdk.http import Answer

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, newest first. Iterate it for its items."""

    items: tuple[T, ...]
    next_cursor: str | None
    fetch: "Callable[[str | None], Page[T]]"

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def has_more(self) -> bool:
        return self.next_cursor is not None

    def next_page(self) -> "Page[T] | None":
        """The page after this one, or None at the end of the list."""
        return self.fetch(self.next_cursor) if self.next_cursor is not None else None

    def every_item(self) -> Iterator[T]:
        """This page's items and those of all pages after it; fetches as it goes."""
        page: Page[T] | None = self
        while page is not None:
            yield from page.items
            page = page.next_page()


def read_page(
    ask: Callable[[Mapping[str, Any]], Answer],
    read: Callable[[Any], T],
    *,
    filters: Mapping[str, Any],
    cursor: str | None,
) -> Page[T]:
    """One page through `ask`, which gets the query parameters; later pages keep the filters."""
    answer = ask({**filters, "cursor": cursor})
    return Page(
        items=tuple(read(item) for item in answer.items()),
        next_cursor=answer.next_cursor,
        fetch=lambda following: read_page(ask, read, filters=filters, cursor=following),
    )
