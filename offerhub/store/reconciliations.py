"""Reconciliation runs, the differences they found, and dead letters."""

from peewee import CharField, IntegerField, TextField

from offerhub.store.fields import JSONText, Millis, Stroops, Table


class Reconciliation(Table):
    id = CharField(primary_key=True)
    kind = CharField()
    status = CharField()
    checked = IntegerField(default=0)
    started_at = Millis()
    finished_at = Millis(null=True)

    class Meta:
        table_name = "reconciliations"


class Difference(Table):
    """Ours against theirs, never overwritten silently."""

    id = CharField(primary_key=True)
    reconciliation_id = CharField()
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


class DeadLetter(Table):
    """Work that ran out of attempts, kept until an operator retries or discards it."""

    id = CharField(primary_key=True)
    kind = CharField()
    subject_id = CharField()
    reason = TextField()
    status = CharField()
    created_at = Millis()
    closed_at = Millis(null=True)
    closed_reason = TextField(null=True)

    class Meta:
        table_name = "dead_letters"
