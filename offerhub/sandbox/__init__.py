"""A local stand-in for the outside world: Airtm, Trustless Work and Stellar over their real wire.

Nothing in the product imports it; the production adapters are pointed at its addresses instead.
"""
