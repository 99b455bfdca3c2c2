"""Finding an order's newest dispute, resolved or not."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(db, "CREATE INDEX disputes_of_order ON disputes (order_id, created_at)")
