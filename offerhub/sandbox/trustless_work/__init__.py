"""Trustless Work as the sandbox plays it: escrow contracts on the chain, and the HTTP API."""
