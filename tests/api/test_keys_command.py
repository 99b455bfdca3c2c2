"""`offerhub keys …`, as an operator calls it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.caller import Caller
from tests.services.world import World

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The commands do not differ by database; one is enough."""
    return sqlite_url


@pytest.fixture
def run(world: World, tmp_path: Path) -> Run:
    environ = {**os.environ, **world.environ, "OFFERHUB_HOME": "", "PYTHONPATH": os.getcwd()}

    def run_keys(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "offerhub.cli", "keys", *arguments],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run_keys


def test_the_first_admin_key_is_written_once_for_its_owner_alone(
    run: Run, world: World, tmp_path: Path
) -> None:
    out = tmp_path / "admin.key"
    first = run("bootstrap", "--out", str(out))
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    assert out.stat().st_mode & 0o777 == 0o600
    key = out.read_text().strip()
    assert key not in first.stderr
    other = tmp_path / "other.key"
    refused = run("bootstrap", "--out", str(other))
    assert refused.returncode == 1
    assert "--force-new" in refused.stderr
    assert not other.exists()
    assert run("bootstrap", "--out", str(other), "--force-new").returncode == 0
    assert other.read_text().strip() != key


def test_a_file_is_never_written_over(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "admin.key"
    out.write_text("mine")
    refused = run("bootstrap", "--out", str(out))
    assert (refused.returncode, out.read_text()) == (1, "mine")


def test_keys_are_created_listed_and_revoked(run: Run, api: Caller) -> None:
    made = run("create", "backend", "--scope", "read", "--scope", "write", "--expires-in-days", "9")
    assert made.returncode == 0, made.stderr
    caller = api.with_key(made.stdout.strip())
    me = caller.get("/me").json["data"]
    assert (me["name"], me["scopes"]) == ("backend", ["read", "write"])
    assert me["expires_at"] is not None
    listed = json.loads(run("list", "--json").stdout)
    assert [key["name"] for key in listed] == ["backend", "admin"]
    assert made.stdout.strip() not in run("list").stdout
    assert run("revoke", me["key_id"]).returncode == 0
    assert caller.get("/me").status_code == 401
    assert "revoked" in run("list").stdout


def test_an_unknown_key_is_said_in_one_line(run: Run) -> None:
    refused = run("revoke", "key_nobody")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "API_KEY_NOT_FOUND" in refused.stderr
