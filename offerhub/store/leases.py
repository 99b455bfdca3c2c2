"""Leases with fencing for the one active relay, deposit reader or scheduler; and small flags.

Here is the clock too that every lease is measured by, those of operations and deliveries as well.
"""

from collections.abc import Sequence
from typing import Any, Final

from peewee import SQL, BigIntegerField, CharField, ColumnBase, CompositeKey, Select, fn

from offerhub.store.database import for_update, is_postgres
from offerhub.store.fields import JSONText, Millis, Table


class Lease(Table):
    """`token` rises with every new holder, at `taken_at`: work under an old one is refused."""

    name = CharField(primary_key=True)
    holder = CharField()
    token = BigIntegerField()
    expires_at = Millis()
    taken_at = Millis(null=True)

    class Meta:
        table_name = "leases"


class Standby(Table):
    """A process that asked for a lease while another had it, and will ask again."""

    name = CharField()
    holder = CharField()
    expires_at = Millis()

    class Meta:
        table_name = "lease_standbys"
        primary_key = CompositeKey("name", "holder")


class Flag(Table):
    """Small durable settings that change at run time, such as maintenance."""

    name = CharField(primary_key=True)
    value = JSONText()
    updated_at = Millis()

    class Meta:
        table_name = "flags"


# A standby asks every second or two; one that did not for so long is no standby any more.
STANDBY_TTL_MS: Final = 10_000


# Epoch ms, or what the database works out as that within a statement.
Moment = int | ColumnBase

# The same all through a statement, and no older than it: a transaction may have begun long before.
_STATEMENT_MS: Final = SQL("(EXTRACT(EPOCH FROM statement_timestamp()) * 1000)::bigint")


def moment(own_ms: int) -> Moment:
    """Now, by the clock that leases are measured by: the database's, so machines need not agree.

    own_ms: the caller's clock. On SQLite it is the one that counts: a file has one machine.
    """
    return _STATEMENT_MS if is_postgres() else own_ms


def in_ms(when: Moment) -> int:
    """A moment in epoch ms; one that only the database knows is asked for."""
    if isinstance(when, int):
        return when
    ((told,),) = Select((), [when]).bind(Lease._meta.database).tuples().execute()
    return int(told)


def clock_ms(own_ms: int) -> int:
    """`moment` in epoch ms."""
    return in_ms(moment(own_ms))


def take(name: str, *, holder: str, now: int, ttl_ms: int) -> int | None:
    """The fencing token when `holder` has the lease (again) for `ttl_ms`; None when another has it.

    now: what `clock_ms` says. A lease that ends further ahead than any can was given before the
    clock was set back, and counts as over. Whom another keeps waiting is noted as a standby. Run it
    in a transaction of its own.
    """
    Lease.insert(name=name, holder="", token=0, expires_at=0).on_conflict_ignore().execute()
    row = for_update(Lease.select().where(Lease.name == name)).get()
    held = now < row.expires_at <= now + 2 * ttl_ms
    if row.holder == holder and held:
        token, taken_at = row.token, row.taken_at
    elif not held:
        token, taken_at = row.token + 1, now
        _forget_standby(name, holder=holder)
    else:
        _note_standby(name, holder=holder, now=now)
        return None
    Lease.update(holder=holder, token=token, expires_at=now + ttl_ms, taken_at=taken_at).where(
        Lease.name == name
    ).execute()
    return int(token)


def still_held(name: str, *, holder: str, token: int) -> bool:
    """Whether nobody took the lease over; locks its row until the commit, so that nobody can."""
    row = for_update(Lease.select().where(Lease.name == name)).get_or_none()
    return row is not None and row.holder == holder and row.token == token


def give_up(name: str, *, holder: str) -> None:
    """Let the next one in at once, or stand by no more."""
    Lease.update(expires_at=0).where((Lease.name == name) & (Lease.holder == holder)).execute()
    _forget_standby(name, holder=holder)


def standbys(names: Sequence[str], *, now: int) -> dict[str, int]:
    """How many processes stand by for each. now: what `clock_ms` says."""
    rows: Any = (
        Standby.select(Standby.name, fn.COUNT(Standby.holder))
        .where(
            Standby.name.in_(list(names))
            & (Standby.expires_at > now)
            & (Standby.expires_at <= now + 2 * STANDBY_TTL_MS)
        )
        .group_by(Standby.name)
        .tuples()
    )
    return dict.fromkeys(names, 0) | dict(rows)


def _note_standby(name: str, *, holder: str, now: int) -> None:
    """Its row, renewed; rows of standbys that are gone go with it."""
    until = now + STANDBY_TTL_MS
    Standby.delete().where((Standby.name == name) & (Standby.expires_at <= now)).execute()
    Standby.insert(name=name, holder=holder, expires_at=until).on_conflict(
        conflict_target=[Standby.name, Standby.holder], update={Standby.expires_at: until}
    ).execute()


def _forget_standby(name: str, *, holder: str) -> None:
    Standby.delete().where((Standby.name == name) & (Standby.holder == holder)).execute()


def flag(name: str) -> object:
    row = Flag.get_or_none(Flag.name == name)
    return row.value if row else None


def set_flag(name: str, value: object, *, now: int) -> None:
    Flag.insert(name=name, value=value, updated_at=now).on_conflict(
        conflict_target=[Flag.name], update={Flag.value: value, Flag.updated_at: now}
    ).execute()


def clear_flag(name: str) -> None:
    Flag.delete().where(Flag.name == name).execute()


def advance_cursor(name: str, *, seen: str, to: str, now: int) -> bool:
    """Move a cursor kept as a flag from `seen` to `to`; false when another reader moved it."""
    Flag.insert(name=name, value="0", updated_at=now).on_conflict_ignore().execute()
    row = for_update(Flag.select().where(Flag.name == name)).get()
    if str(row.value) != seen:
        return False
    Flag.update(value=to, updated_at=now).where(Flag.name == name).execute()
    return True
