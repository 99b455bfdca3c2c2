"""The books: accounts, pure builders of transfers, the one writer, and the checks."""
