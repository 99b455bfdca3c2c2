"""Being the one active process of a kind."""

from offerhub.services.context import Context
from offerhub.store import leases as store
from offerhub.store.database import atomic


def take(ctx: Context, name: str, *, holder: str, ttl_ms: int) -> bool:
    """Have the lease (again) for `ttl_ms`; false while another process has it. Commits."""
    with atomic():
        now = store.clock_ms(ctx.now_ms())
        return store.take(name, holder=holder, now=now, ttl_ms=ttl_ms) is not None


def give_up(ctx: Context, name: str, *, holder: str) -> None:
    """Let a standby take over at once. Commits."""
    with atomic():
        store.give_up(name, holder=holder)
