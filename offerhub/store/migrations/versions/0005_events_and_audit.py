"""Outbox, audit records and their seals."""

from offerhub.store.migrations.ddl import append_only, run


def up(migrator, db):
    run(
        db,
        """CREATE TABLE events (
            position {serial},
            id TEXT NOT NULL UNIQUE,
            sequence BIGINT UNIQUE,
            type TEXT NOT NULL,
            aggregate_type TEXT NOT NULL,
            aggregate_id TEXT NOT NULL,
            user_1 TEXT,
            user_2 TEXT,
            payload TEXT NOT NULL,
            metadata TEXT NOT NULL,
            occurred_at BIGINT NOT NULL)""",
        "CREATE INDEX events_unsequenced ON events (position) WHERE sequence IS NULL",
        "CREATE INDEX events_aggregate ON events (aggregate_id, position)",
        "CREATE INDEX events_user_1 ON events (user_1, sequence) WHERE user_1 IS NOT NULL",
        "CREATE INDEX events_user_2 ON events (user_2, sequence) WHERE user_2 IS NOT NULL",
        """CREATE TABLE audit_records (
            position {serial},
            id TEXT NOT NULL UNIQUE,
            occurred_at BIGINT NOT NULL,
            actor_type TEXT NOT NULL,
            actor_id TEXT,
            action TEXT NOT NULL,
            resource_type TEXT NOT NULL,
            resource_id TEXT,
            before TEXT,
            after TEXT,
            result TEXT NOT NULL,
            error_code TEXT,
            idempotency_key TEXT,
            request_id TEXT,
            ip TEXT,
            user_agent TEXT)""",
        "CREATE INDEX audit_resource ON audit_records (resource_id, position)",
        "CREATE INDEX audit_action ON audit_records (action, position)",
        """CREATE TABLE audit_seals (
            number BIGINT PRIMARY KEY,
            audit_id TEXT NOT NULL UNIQUE,
            previous_hash TEXT NOT NULL,
            hash TEXT NOT NULL,
            format INTEGER NOT NULL)""",
    )
    append_only(db, "audit_records", keys=("position", "id"))
    append_only(db, "audit_seals", keys=("number", "audit_id"))
