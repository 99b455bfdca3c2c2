"""Since when a lease is held, for whoever asks who does the work."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(db, "ALTER TABLE leases ADD COLUMN taken_at BIGINT")
