"""The Stellar network through Horizon: the adapter of `ports.chain.Chain`."""
