"""What the treasury looked like, hour by hour."""

from peewee import BigIntegerField, BooleanField

from offerhub.store.fields import JSONText, Table


class Snapshot(Table):
    """`id` is the moment, in epoch ms; `view` is what `services.solvency` showed."""

    id = BigIntegerField(primary_key=True)
    solvent = BooleanField()
    view = JSONText()

    class Meta:
        table_name = "treasury_snapshots"


def insert(*, at: int, solvent: bool, view: dict[str, object]) -> None:
    """Keep one; a second of the same moment changes nothing."""
    Snapshot.insert(id=at, solvent=solvent, view=view).on_conflict_ignore().execute()


def newest(*, limit: int) -> list[Snapshot]:
    return list(Snapshot.select().order_by(Snapshot.id.desc()).limit(limit))


def purge(*, before: int) -> int:
    """Delete what is older than a moment; how many."""
    return int(Snapshot.delete().where(Snapshot.id < before).execute())
