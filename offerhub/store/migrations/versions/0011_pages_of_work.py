"""Indexes for the pages of operations and of dead letters: by time, and then by id."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "DROP INDEX operations_page",
        "CREATE INDEX operations_page ON operations (created_at, id)",
        "DROP INDEX operations_status",
        "CREATE INDEX operations_status ON operations (status, created_at, id)",
        "DROP INDEX webhook_deliveries_failed",
        "CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (status, created_at, id) "
        "WHERE status = 'FAILED'",
        "CREATE INDEX inbox_dead ON inbox_events (status, received_at, id) WHERE status = 'DEAD'",
        "CREATE INDEX differences_alone ON differences (status, created_at, id) "
        "WHERE status = 'OPEN' AND reconciliation_id IS NULL",
    )
