"""Processes that work behind the API: RQ workers, the clock, the relay, the deposit reader."""
