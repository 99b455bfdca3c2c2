"""Reconciliation runs and the differences that they found."""

from peewee import CharField, IntegerField

from offerhub.store.fields import JSONText, Millis, Stroops, Table
from offerhub.store.paging import Rows, page


class Reconciliation(Table):
    id = CharField(primary_key=True)
    status = CharField()
    checked = IntegerField(default=0)
    differing = IntegerField(default=0)
    unreachable = IntegerField(default=0)
    repaired = IntegerField(default=0)
    coverage = JSONText(default=list)
    started_at = Millis()
    finished_at = Millis(null=True)

    class Meta:
        table_name = "reconciliations"


class Difference(Table):
    """Ours against theirs, never overwritten silently."""

    id = CharField(primary_key=True)
    reconciliation_id = CharField(null=True)
    kind = CharField()
    subject_type = CharField()
    subject_id = CharField()
    ours = Stroops(null=True)
    theirs = Stroops(null=True)
    detail = JSONText()
    status = CharField()
    created_at = Millis()

    class Meta:
        table_name = "differences"


def listed(*, limit: int, cursor: str | None) -> Rows:
    return page(
        Reconciliation.select(),
        limit=limit,
        cursor=cursor,
        by=Reconciliation.started_at,
        tie=Reconciliation.id,
    )


def get(reconciliation_id: str) -> Reconciliation | None:
    return Reconciliation.get_or_none(Reconciliation.id == reconciliation_id)


def differences_of(reconciliation_id: str, *, limit: int = 1000) -> list[Difference]:
    query = Difference.select().where(Difference.reconciliation_id == reconciliation_id)
    return list(query.order_by(Difference.created_at, Difference.id).limit(limit))


def count_open_of(reconciliation_id: str) -> int:
    """How many differences a run left for the operator."""
    query = Difference.select().where(
        (Difference.reconciliation_id == reconciliation_id) & (Difference.status == "OPEN")
    )
    return int(query.count())


def count_open_alone() -> int:
    """How many belong to no run and wait for the operator."""
    query = Difference.select().where(
        (Difference.status == "OPEN") & Difference.reconciliation_id.is_null()
    )
    return int(query.count())


def insert_difference(row: dict[str, object]) -> None:
    Difference.insert(**row).execute()


def open_difference(
    *, kind: str, subject_id: str, ours: int | None, theirs: int | None
) -> Difference | None:
    """One like it that is still OPEN and belongs to no run."""
    same = [
        Difference.reconciliation_id.is_null(),
        Difference.kind == kind,
        Difference.subject_id == subject_id,
        Difference.status == "OPEN",
        Difference.ours.is_null() if ours is None else Difference.ours == ours,
        Difference.theirs.is_null() if theirs is None else Difference.theirs == theirs,
    ]
    return Difference.select().where(*same).order_by(Difference.created_at).first()


def mark_repaired(difference_id: str) -> None:
    """It was put right by the run that found it."""
    Difference.update(status="REPAIRED").where(Difference.id == difference_id).execute()


def newest_finished() -> Reconciliation | None:
    """The last run that ended."""
    query = Reconciliation.select().where(Reconciliation.finished_at.is_null(False))
    return query.order_by(Reconciliation.started_at.desc(), Reconciliation.id.desc()).first()
