"""What reached our wallets on chain: credited, or recorded with the reason why not."""

from peewee import CharField, IntegerField, TextField

from offerhub.store.fields import Millis, Stroops, Table


class Deposit(Table):
    """(operation_id, change_index, wallet_id) is unique: one credit per movement."""

    id = CharField(primary_key=True)
    wallet_id = CharField()
    user_id = CharField(null=True)
    operation_id = CharField()
    change_index = IntegerField()
    transaction_hash = CharField()
    source_address = CharField()
    amount = Stroops()
    asset = CharField()
    kind = CharField()
    memo = TextField(null=True)
    status = CharField()
    reason = TextField(null=True)
    occurred_at = Millis()
    created_at = Millis()

    class Meta:
        table_name = "deposits"


def insert(row: dict[str, object]) -> bool:
    """Record one movement; false when it is recorded already."""
    done = Deposit.insert(**row).on_conflict_ignore().returning(Deposit.id).execute()
    return len(list(done)) == 1


def get(deposit_id: str) -> Deposit | None:
    return Deposit.get_or_none(Deposit.id == deposit_id)
