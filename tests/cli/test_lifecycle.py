"""One whole deployment, with every process: up, again, killed piece by piece, down."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from offerhub.cli.appliance import programs
from tests.cli.conftest import Deployment

PATIENCE_S = 200.0


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)


@pytest.mark.timeout(900)
def test_a_deployment_comes_up_survives_kills_and_goes_down(deployment: Deployment) -> None:
    up = deployment.run("up", "--timeout", "250")
    assert up.returncode == 0, up.stderr
    assert deployment.settings.public_url in up.stdout
    _the_first_admin_key_is_kept_and_works(deployment)
    _no_secret_was_said(deployment, up.stdout + up.stderr)
    _a_second_start_does_nothing(deployment)
    _who_holds_each_lease_is_told(deployment)
    _all_killed_at_once_come_back(deployment)
    down = deployment.run("down")
    assert down.returncode == 0, down.stderr
    assert all(deployment.pid(program.name) is None for program in programs.ALL)
    status = deployment.run("status", "--json")
    assert status.returncode == 2
    assert json.loads(status.stdout)["status"] == "down"


def _the_first_admin_key_is_kept_and_works(deployment: Deployment) -> None:
    file = deployment.home / "admin.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    me = httpx.get(
        f"{deployment.settings.public_url}/api/v1/me",
        headers={"Authorization": f"Bearer {file.read_text().strip()}"},
        trust_env=False, timeout=30,
    )  # fmt: skip
    assert me.status_code == 200, me.text
    assert "admin" in me.json()["data"]["scopes"]


def _no_secret_was_said(deployment: Deployment, said: str) -> None:
    lines = (deployment.home / "secrets.env").read_text().splitlines()
    hidden = [line.split("=", 1)[1] for line in lines if "=" in line and not line.startswith("#")]
    hidden.append((deployment.home / "admin.key").read_text().strip())
    texts = [said, *(log.read_text() for log in (deployment.home / "data/logs").iterdir())]
    assert len(hidden) == 12
    for secret in hidden:
        assert not [text for text in texts if secret in text]


def _a_second_start_does_nothing(deployment: Deployment) -> None:
    before = _pids(deployment)
    key = (deployment.home / "admin.key").read_bytes()
    again = deployment.run("up", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["already_running"] is True
    assert _pids(deployment) == before
    assert (deployment.home / "admin.key").read_bytes() == key


def _who_holds_each_lease_is_told(deployment: Deployment) -> None:
    """Each by the very process that `status` shows under its name."""
    told: list[dict[str, Any]] = []

    def all_held() -> bool:
        told[:] = json.loads(deployment.run("status", "--json").stdout)["leases"]
        return all(one["state"] == "HELD" for one in told)

    _until(all_held, "every lease is held")
    assert [one["name"] for one in told] == ["relay", "deposits", "scheduler"]
    pids = _pids(deployment)
    for one in told:
        assert int(one["holder"].split(":")[1]) == pids[one["name"]]
        assert (one["fencing_token"] >= 1, one["standbys"]) == (True, 0)
    lines = deployment.run("status").stdout
    for one in told:
        assert f"{one['name']} lease: {one['holder']} since {one['since']}, until " in lines


def _all_killed_at_once_come_back(deployment: Deployment) -> None:
    """The journeys kill them one by one."""
    before = _pids(deployment)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    for name, old in before.items():
        _until(
            lambda name=name, old=old: deployment.pid(name) not in {None, old}, f"{name} is back"
        )
    _until(lambda: deployment.run("status").returncode == 0, "all is well again")


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_killed_manager_is_replaced(deployment: Deployment) -> None:
    assert deployment.run("up", "--timeout", "250").returncode == 0
    before = _pids(deployment)
    os.kill(int((deployment.home / "data/run/supervisord.pid").read_text()), signal.SIGKILL)
    assert deployment.run("status").returncode == 1
    up = deployment.run("up", "--timeout", "250")
    assert up.returncode == 0, up.stderr
    after = _pids(deployment)
    assert not set(before.values()) & set(after.values())
    assert deployment.run("status").returncode == 0


def _pids(deployment: Deployment) -> dict[str, int]:
    status = json.loads(deployment.run("status", "--json").stdout)
    return {found["name"]: found["pid"] for found in status["processes"]}
