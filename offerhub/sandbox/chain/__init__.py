"""The sandbox's own Stellar network: a ledger clock, accounts, assets, contracts and history."""
