"""The `offerhub` command: a file per noun. Data goes to stdout, talk to stderr.

Exit codes are in `exits`; the table of commands is in `group`.
"""

from offerhub.cli.group import main

__all__ = ["main"]
