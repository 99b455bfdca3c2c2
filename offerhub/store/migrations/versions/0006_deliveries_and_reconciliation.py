"""Outgoing webhooks, reconciliation runs."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        """CREATE TABLE webhook_endpoints (
            id TEXT PRIMARY KEY,
            url TEXT NOT NULL,
            events TEXT NOT NULL,
            description TEXT,
            sealed_secrets TEXT NOT NULL,
            enabled {bool_true},
            disabled_reason TEXT,
            failing_since BIGINT,
            cursor BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL)""",
        """CREATE TABLE webhook_deliveries (
            id TEXT PRIMARY KEY,
            endpoint_id TEXT NOT NULL REFERENCES webhook_endpoints (id),
            event_id TEXT NOT NULL,
            status TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            next_attempt_at BIGINT,
            last_status_code INTEGER,
            last_error TEXT,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL,
            UNIQUE (endpoint_id, event_id))""",
        "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) "
        "WHERE next_attempt_at IS NOT NULL",
        """CREATE TABLE reconciliations (
            id TEXT PRIMARY KEY,
            status TEXT NOT NULL,
            checked INTEGER NOT NULL,
            differing INTEGER NOT NULL,
            unreachable INTEGER NOT NULL,
            started_at BIGINT NOT NULL,
            finished_at BIGINT)""",
        """CREATE TABLE differences (
            id TEXT PRIMARY KEY,
            reconciliation_id TEXT REFERENCES reconciliations (id),
            kind TEXT NOT NULL,
            subject_type TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            ours BIGINT,
            theirs BIGINT,
            detail TEXT NOT NULL,
            status TEXT NOT NULL,
            created_at BIGINT NOT NULL)""",
        "CREATE INDEX reconciliations_page ON reconciliations (started_at, id)",
        "CREATE INDEX differences_subject ON differences (subject_id)",
        "CREATE INDEX differences_run ON differences (reconciliation_id)",
    )
