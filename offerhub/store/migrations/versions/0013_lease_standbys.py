"""Who waits to take over a lease, for whoever asks whether the next death will be noticed."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        """CREATE TABLE lease_standbys (
            name TEXT NOT NULL,
            holder TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (name, holder))""",
    )
