"""Tables of the sandbox network. Money is integers of 10^-7; times are unix milliseconds."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS chain_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_ledgers (
  sequence INTEGER PRIMARY KEY,
  closed_at_ms INTEGER NOT NULL,
  successful_count INTEGER NOT NULL DEFAULT 0,
  failed_count INTEGER NOT NULL DEFAULT 0,
  operation_count INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS chain_accounts (
  address TEXT PRIMARY KEY,
  balance INTEGER NOT NULL CHECK (balance >= 0),
  sequence INTEGER NOT NULL,
  subentries INTEGER NOT NULL DEFAULT 0,
  sponsoring INTEGER NOT NULL DEFAULT 0,
  sponsored INTEGER NOT NULL DEFAULT 0,
  sponsor TEXT,
  sequence_ledger INTEGER NOT NULL,
  sequence_time_ms INTEGER NOT NULL,
  last_modified_ledger INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_trustlines (
  address TEXT NOT NULL,
  asset TEXT NOT NULL,
  balance INTEGER NOT NULL CHECK (balance >= 0),
  limit_amount INTEGER NOT NULL,
  authorized INTEGER NOT NULL DEFAULT 1,
  sponsor TEXT,
  last_modified_ledger INTEGER NOT NULL,
  PRIMARY KEY (address, asset),
  CHECK (balance <= limit_amount)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_data (
  address TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (address, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_contract_balances (
  contract TEXT NOT NULL,
  asset TEXT NOT NULL,
  balance INTEGER NOT NULL CHECK (balance >= 0),
  PRIMARY KEY (contract, asset)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_supply (
  asset TEXT PRIMARY KEY, amount INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_account_states (
  address TEXT NOT NULL,
  ledger INTEGER NOT NULL,
  record TEXT,
  PRIMARY KEY (address, ledger)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_transactions (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  inner_hash TEXT,
  ledger INTEGER NOT NULL,
  source TEXT NOT NULL,
  successful INTEGER NOT NULL,
  operation_count INTEGER NOT NULL,
  fee_charged INTEGER NOT NULL,
  result_xdr TEXT NOT NULL,
  diagnostic TEXT,
  record TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS chain_transactions_inner
  ON chain_transactions (inner_hash) WHERE inner_hash IS NOT NULL;

CREATE TABLE IF NOT EXISTS chain_transaction_accounts (
  address TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (address, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_operations (
  id INTEGER PRIMARY KEY,
  transaction_id INTEGER NOT NULL,
  ledger INTEGER NOT NULL,
  is_payment INTEGER NOT NULL,
  successful INTEGER NOT NULL,
  record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS chain_operations_by_transaction ON chain_operations (transaction_id);

CREATE TABLE IF NOT EXISTS chain_operation_accounts (
  address TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (address, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_transfers (
  operation_id INTEGER NOT NULL,
  change_index INTEGER NOT NULL,
  transaction_hash TEXT NOT NULL,
  ledger INTEGER NOT NULL,
  asset TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (operation_id, change_index)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_queue (
  hash TEXT PRIMARY KEY,
  source TEXT NOT NULL UNIQUE,
  envelope_xdr TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  passed_over INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_keys (
  address TEXT PRIMARY KEY, secret TEXT NOT NULL, role TEXT NOT NULL
) WITHOUT ROWID;
"""

WORLD_TABLES = (
    "chain_ledgers",
    "chain_accounts",
    "chain_trustlines",
    "chain_data",
    "chain_contract_balances",
    "chain_supply",
    "chain_account_states",
    "chain_transactions",
    "chain_transaction_accounts",
    "chain_operations",
    "chain_operation_accounts",
    "chain_transfers",
    "chain_queue",
)
"""What a network reset empties; keys and settings outlive it."""
