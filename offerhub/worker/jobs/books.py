"""Checking the books' invariants, hourly."""

from offerhub.services import book_check
from offerhub.services.context import system_context
from offerhub.worker import process


def check() -> None:
    """The job."""
    with process.job("books") as app:
        book_check.check(system_context(app, name="books"))
