"""What one webhook endpoint waits for is found, and held back, without the others."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "ALTER TABLE webhook_endpoints ADD COLUMN quiet_until BIGINT",
        "DROP INDEX webhook_deliveries_due",
        "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_attempt_at) "
        "WHERE next_attempt_at IS NOT NULL",
    )
