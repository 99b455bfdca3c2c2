"""The platform's own wallets: set up once, by an operation like any other."""

from offerhub.ports.chain import SigningKey
from offerhub.services import operations
from offerhub.services.context import App, Context
from offerhub.store import operations as store
from offerhub.store.database import atomic
from offerhub.store.errors import UniqueViolation

SUBJECT = "platform"


def wallets(app: App) -> dict[str, SigningKey]:
    """The platform's own wallets by role."""
    keys = app.platform_keys
    return {"treasury": keys.treasury, "release": keys.release, "resolver": keys.resolver}


def ensure_set_up(ctx: Context) -> bool:
    """Have the platform's wallets set up, unless that was asked for before; whether it is new.

    Commits. Safe to call at every start.
    """
    with atomic():
        if store.latest_for(SUBJECT) is not None:
            return False
        try:
            operations.start(
                ctx, kind=operations.PLATFORM_SETUP, subject_type="platform", subject_id=SUBJECT
            )
        except UniqueViolation:
            return False
        return True
