"""Indexes for what one user has of one status or type, however much else that user has."""

from offerhub.store.migrations.ddl import run


def up(migrator, db):
    run(
        db,
        "CREATE INDEX orders_buyer_status ON orders (buyer_id, status, created_at, id)",
        "CREATE INDEX orders_seller_status ON orders (seller_id, status, created_at, id)",
        "CREATE INDEX topups_user_status ON topups (user_id, status, created_at, id)",
        "CREATE INDEX withdrawals_user_status ON withdrawals (user_id, status, created_at, id)",
        "CREATE INDEX events_user_1_type ON events (user_1, type, sequence) "
        "WHERE user_1 IS NOT NULL",
        "CREATE INDEX events_user_2_type ON events (user_2, type, sequence) "
        "WHERE user_2 IS NOT NULL",
    )
