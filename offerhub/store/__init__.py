"""Peewee: a file per aggregate, with its table and its queries. No rules, no commits."""
