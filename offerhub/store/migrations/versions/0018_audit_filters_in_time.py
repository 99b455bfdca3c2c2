"""The audit trail of one action, actor or resource within a span of time is found in that order.

Without these, SQLite reads and sorts every record of a busy actor or a common action.
"""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "CREATE INDEX audit_action_time ON audit_records (action, occurred_at, position)",
        "CREATE INDEX audit_resource_time ON audit_records (resource_id, occurred_at, position)",
        "CREATE INDEX audit_type_time ON audit_records (resource_type, occurred_at, position)",
        "CREATE INDEX audit_actor_time ON audit_records (actor_id, occurred_at, position) "
        "WHERE actor_id IS NOT NULL",
    )
