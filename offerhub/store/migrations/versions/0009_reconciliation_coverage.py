"""What a reconciliation looked at and put right; snapshots of the treasury."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "ALTER TABLE reconciliations ADD COLUMN repaired INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE reconciliations ADD COLUMN coverage TEXT NOT NULL DEFAULT '[]'",
        """CREATE TABLE treasury_snapshots (
            id BIGINT PRIMARY KEY,
            solvent {bool_true},
            view TEXT NOT NULL)""",
    )
