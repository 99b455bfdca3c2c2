"""Trustless Work's API: the adapter of `ports.escrow.Escrows`."""
