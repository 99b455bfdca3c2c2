"""Being the one active process of a kind."""

from offerhub.services.context import Context
from offerhub.store import leases as store
from offerhub.store.database import atomic


def take(ctx: Context, name: str, *, holder: str, ttl_ms: int) -> bool:
    """Have the lease (again) for `ttl_ms`; false while another process has it. Commits."""
    return take_token(name, holder=holder, ttl_ms=ttl_ms, own_ms=ctx.now_ms()) is not None


def take_token(name: str, *, holder: str, ttl_ms: int, own_ms: int) -> int | None:
    """As `take`, for processes without an application: the fencing token, or None. Commits.

    own_ms: the caller's clock; see `store.leases.clock_ms`.
    """
    with atomic():
        now = store.clock_ms(own_ms)
        return store.take(name, holder=holder, now=now, ttl_ms=ttl_ms)


def give_up(name: str, *, holder: str) -> None:
    """Let a standby take over at once, or stand by no more. Commits."""
    with atomic():
        store.give_up(name, holder=holder)
