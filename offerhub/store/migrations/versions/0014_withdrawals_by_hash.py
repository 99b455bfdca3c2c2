"""An index for finding a withdrawal by the transaction that paid it."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "CREATE INDEX withdrawals_hash ON withdrawals (stellar_tx_hash) "
        "WHERE stellar_tx_hash IS NOT NULL",
    )
