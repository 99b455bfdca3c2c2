"""Webhooks with a wrong signature are counted against where they come from; signed ones never."""

from collections.abc import Iterator
from contextlib import contextmanager

from offerhub.api import budgets
from offerhub.api.edge import edge
from offerhub.api.state import state
from offerhub.domain.errors import OfferHubError


@contextmanager
def counted() -> Iterator[None]:
    """Raises: RateLimited in the place of WEBHOOK_SIGNATURE_INVALID once there were too many."""
    try:
        yield
    except OfferHubError as refused:
        if refused.code == "WEBHOOK_SIGNATURE_INVALID":
            budgets.spend_of_forgery(edge(), state())
        raise
