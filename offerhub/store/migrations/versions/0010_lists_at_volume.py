"""Indexes for lists and filters that read, or sorted, whole tables."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "CREATE INDEX users_status_type ON users (status, type, created_at, id)",
        "CREATE INDEX disputes_page ON disputes (created_at, id)",
        "CREATE INDEX disputes_assignee ON disputes (assignee, created_at, id) "
        "WHERE assignee IS NOT NULL",
        "CREATE INDEX operations_page ON operations (created_at)",
        "CREATE INDEX events_type ON events (type, sequence)",
        "CREATE INDEX events_kind ON events (aggregate_type, sequence)",
        "CREATE INDEX audit_time ON audit_records (occurred_at, position)",
        "CREATE INDEX audit_type ON audit_records (resource_type, position)",
        "CREATE INDEX audit_actor ON audit_records (actor_id, position) WHERE actor_id IS NOT NULL",
        "CREATE INDEX webhook_deliveries_page ON webhook_deliveries (endpoint_id, created_at, id)",
        "CREATE INDEX webhook_deliveries_status "
        "ON webhook_deliveries (endpoint_id, status, created_at, id)",
        "CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (created_at) "
        "WHERE status = 'FAILED'",
    )
