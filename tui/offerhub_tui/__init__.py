"""The operator's console: a terminal UI over the public API, by way of the Python client.

It never opens the database, and only `gateway` calls the client.
"""
