"""Accounts, transfers, entries: append-only and never negative, by the database's own hand."""

from offerhub.store.migrations.ddl import append_only, run


def up(migrator, db):
    run(
        db,
        """CREATE TABLE accounts (
            name TEXT PRIMARY KEY,
            owner_id TEXT NOT NULL,
            balance BIGINT NOT NULL CHECK (balance >= 0))""",
        """CREATE TABLE transfers (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            reference TEXT NOT NULL UNIQUE,
            subject_type TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            description TEXT,
            created_at BIGINT NOT NULL)""",
        "CREATE INDEX transfers_subject ON transfers (subject_id)",
        """CREATE TABLE entries (
            id {serial},
            transfer_id TEXT NOT NULL REFERENCES transfers (id),
            account TEXT NOT NULL,
            owner_id TEXT,
            amount BIGINT NOT NULL CHECK (amount <> 0),
            balance_after BIGINT CHECK (balance_after >= 0),
            created_at BIGINT NOT NULL)""",
        "CREATE INDEX entries_transfer ON entries (transfer_id)",
        "CREATE INDEX entries_account ON entries (account, id)",
        "CREATE INDEX entries_owner ON entries (owner_id, id) WHERE owner_id IS NOT NULL",
    )
    append_only(db, "transfers")
    append_only(db, "entries")
