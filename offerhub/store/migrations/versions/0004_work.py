"""Operations, steps, signer claims, inbox, idempotent answers, leases, flags."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        """CREATE TABLE operations (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            subject_type TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            status TEXT NOT NULL,
            step TEXT,
            params TEXT NOT NULL,
            facts TEXT NOT NULL,
            failures INTEGER NOT NULL,
            next_run_at BIGINT NOT NULL,
            lease_until BIGINT NOT NULL,
            lease_token BIGINT NOT NULL,
            last_error TEXT,
            last_error_code TEXT,
            context TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL)""",
        "CREATE INDEX operations_due ON operations (next_run_at) WHERE status = 'PENDING'",
        "CREATE INDEX operations_subject ON operations (subject_id, created_at)",
        "CREATE INDEX operations_status ON operations (status, created_at)",
        # The permanent business key: one live operation of a kind per subject.
        "CREATE UNIQUE INDEX operations_one_live ON operations (kind, subject_id) "
        "WHERE status IN ('PENDING', 'STUCK')",
        """CREATE TABLE operation_steps (
            id TEXT PRIMARY KEY,
            operation_id TEXT NOT NULL REFERENCES operations (id),
            name TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            status TEXT NOT NULL,
            request TEXT NOT NULL,
            outcome TEXT,
            tx_hash TEXT,
            signed_xdr TEXT,
            source_address TEXT,
            sequence BIGINT,
            max_time_s BIGINT,
            absences INTEGER NOT NULL,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL,
            UNIQUE (operation_id, name, attempt))""",
        "CREATE INDEX operation_steps_hash ON operation_steps (tx_hash) WHERE tx_hash IS NOT NULL",
        """CREATE TABLE signer_claims (
            address TEXT PRIMARY KEY,
            operation_id TEXT NOT NULL REFERENCES operations (id),
            claimed_at BIGINT NOT NULL)""",
        "CREATE INDEX signer_claims_operation ON signer_claims (operation_id)",
        """CREATE TABLE inbox_events (
            id TEXT PRIMARY KEY,
            provider TEXT NOT NULL,
            event_id TEXT NOT NULL,
            event_type TEXT NOT NULL,
            code TEXT,
            body TEXT NOT NULL,
            status TEXT NOT NULL,
            reason TEXT,
            attempts INTEGER NOT NULL,
            next_attempt_at BIGINT,
            received_at BIGINT NOT NULL,
            processed_at BIGINT,
            UNIQUE (provider, event_id))""",
        "CREATE INDEX inbox_due ON inbox_events (next_attempt_at) WHERE status = 'RECEIVED'",
        "CREATE INDEX inbox_code ON inbox_events (code)",
        """CREATE TABLE idempotent_answers (
            marketplace_id TEXT NOT NULL,
            key TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            status INTEGER NOT NULL,
            body {blob} NOT NULL,
            created_at BIGINT NOT NULL,
            expires_at BIGINT,
            PRIMARY KEY (marketplace_id, key))""",
        "CREATE INDEX idempotent_answers_old ON idempotent_answers (expires_at) "
        "WHERE expires_at IS NOT NULL",
        """CREATE TABLE leases (
            name TEXT PRIMARY KEY,
            holder TEXT NOT NULL,
            token BIGINT NOT NULL,
            expires_at BIGINT NOT NULL)""",
        """CREATE TABLE flags (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL,
            updated_at BIGINT NOT NULL)""",
    )
