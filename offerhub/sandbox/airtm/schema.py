"""Tables of the Airtm half.

Amounts are integers of 10^-7 USD; times are milliseconds since the epoch.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS airtm_balances (
    name TEXT PRIMARY KEY,
    stroops INTEGER NOT NULL,
    CHECK (name = 'outside' OR stroops >= 0)
);
INSERT OR IGNORE INTO airtm_balances (name, stroops) VALUES
    ('enterprise:available', 0), ('enterprise:pending', 0), ('enterprise:withdrawing', 0),
    ('airtm:fees', 0), ('outside', 0);

CREATE TABLE IF NOT EXISTS airtm_identity (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    enterprise_id TEXT NOT NULL,
    seeded INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS airtm_users (
    id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'unregistered')),
    is_verified INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    country TEXT,
    created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS airtm_emails (
    email TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES airtm_users (id),
    is_primary INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS airtm_payins (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    status TEXT NOT NULL,
    shown_status TEXT,
    amount INTEGER NOT NULL,
    net_amount INTEGER NOT NULL,
    airtm_fee INTEGER NOT NULL,
    description TEXT NOT NULL,
    items TEXT NOT NULL,
    confirmation_uri TEXT NOT NULL,
    cancel_uri TEXT NOT NULL,
    user_id TEXT REFERENCES airtm_users (id),
    user_email TEXT,
    failure_reason TEXT,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS airtm_payins_due ON airtm_payins (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS airtm_payouts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    code TEXT UNIQUE,
    hash TEXT NOT NULL,
    status TEXT NOT NULL,
    shown_status TEXT,
    gross_amount INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    net_amount INTEGER NOT NULL,
    airtm_fee INTEGER NOT NULL,
    enterprise_fee INTEGER NOT NULL,
    user_id TEXT NOT NULL REFERENCES airtm_users (id),
    user_email TEXT NOT NULL,
    notes TEXT NOT NULL,
    internal_note TEXT,
    require_id_verified INTEGER NOT NULL,
    reason_code TEXT,
    reason_description TEXT,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS airtm_payouts_due ON airtm_payouts (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS airtm_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    operation_id TEXT NOT NULL,
    operation_type TEXT NOT NULL,
    event_type TEXT NOT NULL,
    previous_status TEXT,
    new_status TEXT NOT NULL,
    available INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    transition_code TEXT,
    transition_message TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS airtm_events_operation ON airtm_events (operation_id, seq);

CREATE TABLE IF NOT EXISTS airtm_crypto_accounts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    currency TEXT NOT NULL,
    alias TEXT NOT NULL,
    address TEXT NOT NULL,
    memo TEXT,
    created_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS airtm_withdrawals (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES airtm_crypto_accounts (id),
    status TEXT NOT NULL,
    amount INTEGER NOT NULL,
    payment_rail TEXT NOT NULL,
    failure_reason TEXT,
    stellar_tx_hash TEXT,
    due_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS airtm_withdrawals_due ON airtm_withdrawals (due_at)
    WHERE due_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS airtm_deposits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    amount INTEGER NOT NULL,
    available INTEGER NOT NULL,
    bridge_transaction_id TEXT NOT NULL,
    name TEXT NOT NULL,
    refunded_payout_id TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
"""
