"""`--help` answers quickly: it loads none of the heavy libraries."""

import subprocess
import sys

import pytest

_HEAVY = {
    "flask", "flask_smorest", "marshmallow", "peewee", "psycopg", "rq", "rq_scheduler", "redis",
    "stellar_sdk", "gevent", "gunicorn", "httpx", "textual", "copier", "cryptography",
}  # fmt: skip

_REPORT = """
import importlib, sys
module, _, name = sys.argv.pop(1).partition(":")
main = getattr(importlib.import_module(module), name)
try:
    main()
except SystemExit as end:
    code = end.code
print("LOADED", *sorted(m for m in sys.modules if "." not in m))
sys.exit(code)
"""


@pytest.mark.parametrize("script", ["offerhub.cli:main", "create_offerhub.cli:main"])
def test_help_loads_nothing_heavy(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, script, "--help"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout or "usage" in done.stdout
    loaded = set(done.stdout.rsplit("LOADED", 1)[1].split())
    assert loaded & _HEAVY == set()
