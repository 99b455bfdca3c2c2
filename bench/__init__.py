"""Benchmarks: `python -m bench`. They measure; they are not tests and fail for wrong books only."""
