"""A deployment whose wallet key is lost does not start, says which key, and says so soon."""

import base64
import json
import os
import resource
import subprocess
import sys
import time

import httpx
import pytest

from tests.cli.conftest import Deployment

REFUSED = 3
REGISTER = """
import sys
from pathlib import Path
from offerhub.bootstrap import build_app
from offerhub.services import users, wallet_keys
from offerhub.services.context import system_context
from offerhub.settings import load_home
from offerhub.store.database import close

app = build_app(load_home(Path(sys.argv[1]), {}))
ctx = system_context(app, name="test")
users.create_user(ctx, external_user_id="first", type="BOTH")
wallet_keys.require(ctx)
close()
"""


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def change_key(deployment: Deployment, value: str) -> str:
    """Put other wallet keys into secrets.env; what was there."""
    file = deployment.home / "secrets.env"
    lines = file.read_text().splitlines()
    (before,) = [line for line in lines if line.startswith("OFFERHUB_WALLET_KEKS=")]
    file.write_text(
        "\n".join(f"OFFERHUB_WALLET_KEKS={value}" if line == before else line for line in lines)
    )
    return before.partition("=")[2]


def make_user(deployment: Deployment, name: str) -> None:
    key = (deployment.home / "admin.key").read_text().strip()
    answer = httpx.post(
        f"{deployment.settings.public_url}/api/v1/users",
        json={"external_user_id": name, "type": "BOTH"},
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False, timeout=30,
    )  # fmt: skip
    assert answer.status_code == 201, answer.text


def spent_s() -> float:
    """Processor time of all commands so far: the wall clock is other processes' business, too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.timeout(300)
def test_a_lost_key_is_named_before_anything_starts(deployment: Deployment) -> None:
    """The wallet is made without the processes: a start of them all costs more than all else."""
    assert deployment.run("db", "migrate").returncode == 0
    subprocess.run(
        [sys.executable, "-c", REGISTER, str(deployment.home)], check=True, timeout=60, env={}
    )
    counted = deployment.run("keys", "wallet-keys", "--verify", "--json")
    (key,) = json.loads(counted.stdout)["keys"]
    assert key["wallets"] == 1
    change_key(deployment, f"k2:{new_key()}")
    named_before_anything_starts(deployment, key["fingerprint"])


def named_before_anything_starts(deployment: Deployment, fingerprint: str) -> None:
    for command in ("up", "serve", "worker critical"):
        began_s = spent_s()
        refused = deployment.run(*command.split())
        assert refused.returncode == REFUSED, (command, refused.stderr)
        assert f"k1 (fingerprint {fingerprint}) is missing" in refused.stderr
        assert spent_s() - began_s < 5.0
        assert "Traceback" not in refused.stderr
    assert deployment.run("status").returncode == 2


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_key_that_was_lost_and_found_is_replaced_while_all_runs(deployment: Deployment) -> None:
    assert deployment.run("up").returncode == 0
    make_user(deployment, "first")
    counted = deployment.run("keys", "wallet-keys", "--verify", "--json")
    (key,) = json.loads(counted.stdout)["keys"]
    assert deployment.run("down").returncode == 0

    other = new_key()
    old = change_key(deployment, f"k2:{other}")
    named_before_anything_starts(deployment, key["fingerprint"])

    change_key(deployment, f"k2:{other},{old}")
    assert deployment.run("up").returncode == 0
    make_user(deployment, "second")
    rotated = deployment.run("keys", "rotate-wallet-keys", "--json")
    assert json.loads(rotated.stdout)["wallets"] == 1, rotated.stderr
    make_user(deployment, "third")
    noted = deployment.home / "data/audit-checkpoints.jsonl"
    deadline = time.monotonic() + 60
    while not noted.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert noted.stat().st_mode & 0o777 == 0o600
    assert deployment.run("down").returncode == 0

    change_key(deployment, f"k2:{other}")
    counted = deployment.run("keys", "wallet-keys", "--verify", "--json")
    (key,) = json.loads(counted.stdout)["keys"]
    assert (key["id"], key["wallets"], counted.returncode) == ("k2", 3, 0)
    proof = json.loads(deployment.run("audit", "verify", "--json").stdout)
    assert proof["valid"] is True
    assert proof["checkpoints"]["checked"] >= 1
