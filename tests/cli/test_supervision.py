"""Supervisor over real processes (Valkey, the sandbox): started, killed, stale, stopped."""

import fcntl
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from create_offerhub.credentials import addresses
from redis import Redis

from offerhub.cli.appliance import holding, programs, sandbox_world, supervisord, valkey, watching
from offerhub.cli.exits import Failure
from offerhub.settings import paths
from tests.cli.conftest import Deployment

PATIENCE_S = 60.0


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def _start(deployment: Deployment, *names: str) -> supervisord.Supervisor:
    config = supervisord.write_config(deployment.home, [programs.named(name) for name in names])
    valkey.write_config(deployment.settings)
    supervisord.start(deployment.home, config)
    running = supervisord.connect(deployment.home)
    assert running is not None
    for name in names:
        running.start_program(name)
        _until(lambda name=name: deployment.pid(name), f"{name} runs")
    return running


def test_valkey_keeps_what_it_holds_over_a_kill_and_asks_for_its_password(
    deployment: Deployment,
) -> None:
    _start(deployment, "valkey")
    settings = deployment.settings
    _until(lambda: valkey.answers(settings), "Valkey answers")
    with Redis.from_url(settings.redis_url) as client:
        client.set("kept", "1")
        client.execute_command("WAITAOF", 1, 0, 2000)
    before = deployment.pid("valkey")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    _until(lambda: deployment.pid("valkey") not in {None, before}, "another Valkey runs")
    _until(lambda: valkey.answers(settings), "Valkey answers")
    with Redis.from_url(settings.redis_url) as client:
        assert client.get("kept") == b"1"
    other = settings.redis_url.replace("unix://:", "unix://:no")
    wrong = settings.model_copy(update={"redis_url": other})
    assert not valkey.answers(wrong)
    socket_mode = paths.valkey_socket(settings.home).stat().st_mode
    assert stat.S_IMODE(socket_mode) == 0o600


def test_nothing_of_a_deployment_is_open_to_others(deployment: Deployment) -> None:
    running = _start(deployment, "valkey")
    _until(lambda: valkey.answers(deployment.settings), "Valkey answers")
    found = [p for p in (deployment.home / "data").rglob("*") if not p.is_dir()]
    assert paths.supervisor_socket(deployment.home) in found
    assert [p for p in found if p.lstat().st_mode & 0o077] == []
    password = deployment.settings.valkey_password
    assert password is not None
    for pid in (deployment.pid("valkey"), running.pid()):
        told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert password.get_secret_value().encode() not in told


@pytest.mark.parametrize("name", ["n" * 140, "odd; #name %s 'q' \"d\" $x", "ünï"])
def test_a_long_or_odd_folder_name_works(
    deploy: Callable[[Path], Deployment], tmp_path: Path, name: str
) -> None:
    deployment = deploy(tmp_path / name)
    _start(deployment, "valkey")
    _until(lambda: valkey.answers(deployment.settings), "Valkey answers")
    sockets = paths.sockets(deployment.home)
    assert sockets.stat().st_mode & 0o777 == 0o700
    if sockets != paths.run(deployment.home):
        assert str(sockets).startswith("/tmp/offerhub-")


def test_a_killed_supervisor_leaves_nothing_that_blocks_the_next(deployment: Deployment) -> None:
    first = _start(deployment, "valkey")
    old = deployment.pid("valkey")
    os.kill(first.pid(), signal.SIGKILL)
    _until(lambda: supervisord.connect(deployment.home) is None, "it is gone")
    assert paths.supervisor_socket(deployment.home).exists()
    assert deployment.pid("valkey") == old
    _start(deployment, "valkey")
    _until(lambda: deployment.pid("valkey") not in {None, old}, "the survivor is replaced")
    _until(lambda: valkey.answers(deployment.settings), "Valkey answers")


def test_down_stops_survivors_of_a_killed_supervisor_too(deployment: Deployment) -> None:
    running = _start(deployment, "valkey")
    os.kill(running.pid(), signal.SIGKILL)
    done = deployment.run("down")
    assert done.returncode == 0, done.stderr
    assert "is down" in done.stdout
    assert deployment.pid("valkey") is None
    again = deployment.run("down")
    assert (again.returncode, again.stdout) == (0, "OfferHub was not running.\n")


def test_the_world_of_a_demo_starts_empty(deployment: Deployment) -> None:
    """Whatever money is in it comes in by a way that our books have seen."""
    _start(deployment, "sandbox")
    settings = deployment.settings
    host, port = settings.sandbox_address
    _until(lambda: _listens(host, port), "the sandbox listens")
    with httpx.Client(trust_env=False) as client:
        root = client.get(f"{settings.stellar_horizon_url}/").raise_for_status().json()
        assert root["network_passphrase"] == settings.stellar_network_passphrase
        issuer = client.get(
            f"{settings.stellar_horizon_url}/accounts/{settings.stellar_usdc_issuer}"
        )
        assert issuer.status_code == 200
        for address in addresses(deployment.home).values():
            found = client.get(f"{settings.stellar_horizon_url}/accounts/{address}")
            assert found.status_code == 404
        login = (settings.airtm_api_key.get_secret_value(), "wrong")
        assert client.get(f"{settings.airtm_base_url}/me/balance", auth=login).status_code == 401


def test_a_port_that_somebody_else_has_is_named_with_its_setting(deployment: Deployment) -> None:
    settings = deployment.settings
    with socket.create_server(settings.bind_address):
        done = deployment.run("up")
    assert done.returncode == 3
    assert f"port {settings.bind_address[1]}" in done.stderr
    assert "OFFERHUB_BIND" in done.stderr
    assert supervisord.connect(deployment.home) is None


def test_a_process_that_cannot_start_is_named_with_its_last_words(deployment: Deployment) -> None:
    (deployment.home / "data/valkey").mkdir(mode=0o700)
    (deployment.home / "data/valkey/appendonlydir").write_text("in the way")
    done = deployment.run("up", "--timeout", "30")
    assert done.returncode == 4, done.stderr
    assert "valkey did not become ready" in done.stderr
    assert "appendonly" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_starts_at_once_are_kept_apart(deployment: Deployment) -> None:
    run = paths.make_private(paths.run(deployment.home))
    with (run / "up.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = deployment.run("up")
    assert done.returncode == 1
    assert "another `up` or `down`" in done.stderr


def test_the_end_of_a_log_is_short_even_when_the_log_is_long(deployment: Deployment) -> None:
    log = paths.logs(deployment.home) / "api.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert watching.last_lines(deployment.home, "api", count=2) == ["line 99998", "line 99999"]
    assert watching.last_lines(deployment.home, "relay") == []


def test_the_sandbox_is_refused_outside_the_demo(deployment: Deployment) -> None:
    settings = deployment.settings.model_copy(update={"environment": "sandbox"})
    with pytest.raises(Failure, match="demo environment"):
        sandbox_world.run_sandbox(settings)


def test_programs_follow_the_settings(deployment: Deployment) -> None:
    settings = deployment.settings
    names = [program.name for program in programs.of(settings)]
    assert names[:3] == ["valkey", "sandbox", "api"]
    own = settings.model_copy(update={"redis_url": "redis://elsewhere/0", "environment": "sandbox"})
    assert names[2:] == [program.name for program in programs.of(own)]
    assert holding.holder(paths.run(settings.home), "api") is None


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def test_a_manager_that_lost_its_socket_is_replaced_and_stopped(deployment: Deployment) -> None:
    first = _start(deployment, "valkey").pid()
    paths.supervisor_socket(deployment.home).unlink()
    assert supervisord.connect(deployment.home) is None
    second = _start(deployment, "valkey").pid()
    assert second != first
    assert deployment.pid(programs.MANAGER) == second
    paths.supervisor_socket(deployment.home).unlink()
    done = deployment.run("down")
    assert (done.returncode, done.stdout) == (0, "OfferHub is down.\n"), done.stderr
    assert deployment.pid(programs.MANAGER) is None
    assert deployment.pid("valkey") is None


@pytest.mark.timeout(400)
def test_in_the_foreground_it_stays_and_stops_everything_when_told_to(
    deployment: Deployment,
) -> None:
    process = subprocess.Popen(
        [str(deployment.home / "bin/offerhub"), "up", "--foreground", "--timeout", "250"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("OfferHub is up: http://127.0.0.1:")
        assert process.poll() is None
        process.terminate()
        assert process.wait(100) == 0
    finally:
        process.kill()
        process.communicate()
    assert supervisord.connect(deployment.home) is None
    assert all(deployment.pid(program.name) is None for program in programs.ALL)
