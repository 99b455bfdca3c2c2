"""Accounts, transfers, entries: append-only and never negative, by the database's own hand."""

from offerhub.store.migrations.ddl import append_only, run


def up(migrator, db):
    run(
        db,
        """CREATE TABLE accounts (
            name TEXT PRIMARY KEY,
            owner_id TEXT NOT NULL,
            balance {int8} NOT NULL CHECK (balance >= 0)){strict}""",
        """CREATE TABLE transfers (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            reference TEXT NOT NULL UNIQUE,
            subject_type TEXT NOT NULL,
            subject_id TEXT NOT NULL,
            description TEXT,
            created_at {int8} NOT NULL){strict}""",
        "CREATE INDEX transfers_subject ON transfers (subject_id)",
        """CREATE TABLE entries (
            id {serial},
            transfer_id TEXT NOT NULL REFERENCES transfers (id),
            account TEXT NOT NULL,
            owner_id TEXT,
            amount {int8} NOT NULL CHECK (amount <> 0),
            balance_after {int8} CHECK (balance_after >= 0),
            created_at {int8} NOT NULL){strict}""",
        "CREATE INDEX entries_transfer ON entries (transfer_id)",
        "CREATE INDEX entries_account ON entries (account, id)",
        "CREATE INDEX entries_owner ON entries (owner_id, id) WHERE owner_id IS NOT NULL",
    )
    append_only(db, "transfers", keys=("id", "reference"))
    append_only(db, "entries", keys=("id",))
