"""Adapters to the outside world, one folder per provider; each implements a port."""
