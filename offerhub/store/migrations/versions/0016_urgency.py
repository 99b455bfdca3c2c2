"""How urgent an operation is, and the index by which the most urgent one is claimed."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        # 1: money that is on its way. A process of the version before inserts that as well.
        "ALTER TABLE operations ADD COLUMN urgency INTEGER NOT NULL DEFAULT 1",
        "UPDATE operations SET urgency = 2 WHERE status = 'PENDING' AND kind IN "
        "('platform.setup', 'wallet.create', 'topup.payin', 'escrow.deploy')",
        "UPDATE operations SET urgency = 3 WHERE status = 'PENDING' AND kind = 'wallet.sweep'",
        "DROP INDEX operations_due",
        "CREATE INDEX operations_due ON operations (urgency, next_run_at, created_at) "
        "WHERE status = 'PENDING'",
    )
