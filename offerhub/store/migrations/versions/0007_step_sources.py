"""Finding the newest sequence number that a signing account of ours has used."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "CREATE INDEX operation_steps_source ON operation_steps (source_address, sequence) "
        "WHERE source_address IS NOT NULL",
    )
