"""The server as a whole: many at once, stopping, and a process that is killed and comes back."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from offerhub.sandbox.config import SandboxConfig
from offerhub.sandbox.server import SandboxServer
from tests.sandbox.airtm_world import (
    KEY,
    SECRET,
    TRUSTLESS_WORK_KEY,
    airtm_client,
    config,
    payin_body,
    payout_body,
    running,
    until,
)

SECRETS = {
    "SANDBOX_AIRTM_KEY": KEY,
    "SANDBOX_AIRTM_SECRET": SECRET,
    "SANDBOX_TRUSTLESS_WORK_KEY": TRUSTLESS_WORK_KEY,
}


def test_many_clients_with_one_code_create_one_payin(sandbox):
    def create(_: int) -> int:
        with airtm_client(sandbox) as client:
            return client.post("/payins", json=payin_body()).status_code

    with ThreadPoolExecutor(max_workers=20) as pool:
        statuses = sorted(pool.map(create, range(20)))
    assert statuses == [200] + [409] * 19


def test_many_payouts_at_once_never_spend_more_than_there_is(sandbox, airtm):
    def create(number: int) -> int:
        with airtm_client(sandbox) as client:
            body = payout_body(code=f"wd_{number}", amount=100.0)
            return client.post("/payouts", json=body).status_code

    with ThreadPoolExecutor(max_workers=20) as pool:
        statuses = sorted(pool.map(create, range(20)))
    assert statuses == [200] * 10 + [422] * 10
    assert airtm.get("/me/balance").json() == {"available": 0, "pending": 1000}


def test_event_streams_do_not_hold_up_other_calls(sandbox, airtm):
    streams = [
        httpx.stream(
            "GET",
            f"{sandbox.horizon_url}/ledgers?cursor=now",
            headers={"accept": "text/event-stream"},
            timeout=30,
        )
        for _ in range(12)
    ]
    for stream in streams:
        assert stream.__enter__().status_code == 200
    assert airtm.get("/me", timeout=2).status_code == 200
    for stream in streams:
        stream.__exit__(None, None, None)


def test_stopping_breaks_open_streams_and_frees_the_port():
    server = SandboxServer(config())
    server.start()
    ended = threading.Event()

    def read() -> None:
        headers = {"accept": "text/event-stream"}
        url = f"{server.horizon_url}/ledgers?cursor=now"
        try:
            with httpx.stream("GET", url, headers=headers, timeout=30) as response:
                opened.set()
                for _ in response.iter_raw():
                    pass
        except httpx.TransportError:
            ended.set()

    opened = threading.Event()
    threading.Thread(target=read, daemon=True).start()
    assert opened.wait(5)
    url = server.url
    server.stop()
    assert ended.wait(5)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/_control/health")
    again = SandboxServer(config(), int(url.rsplit(":", 1)[1]))
    again.start()
    assert httpx.get(f"{url}/_control/health").status_code == 200
    again.stop()


def test_a_request_that_is_too_large_is_refused(sandbox):
    response = httpx.post(
        f"{sandbox.airtm_base_url}/payins", content=b"x" * 2_000_000, auth=(KEY, SECRET)
    )
    assert response.status_code == 413


def test_the_state_file_outlives_the_server(tmp_path):
    path = str(tmp_path / "state.db")
    with running(state_path=path) as first, airtm_client(first) as airtm:
        created = airtm.post("/payins", json=payin_body()).json()
        me = airtm.get("/me").json()
    with running(state_path=path) as second, airtm_client(second) as airtm:
        assert airtm.get(f"/payins/{created['id']}").json() == created
        assert airtm.get("/me").json() == me
        users = httpx.get(f"{second.control_url}/airtm/users").json()["users"]
        assert len(users) == 5


def test_the_public_address_is_used_for_the_checkout():
    with running(public_base_url="https://sandbox.shop.example") as server:
        template = server.checkout_url_template
    assert template == "https://sandbox.shop.example/checkout/payin/{id}"


@pytest.mark.parametrize("missing", ["airtm_key", "airtm_secret", "trustless_work_api_key"])
def test_there_are_no_default_credentials(missing):
    given = {"airtm_key": "a", "airtm_secret": "b", "trustless_work_api_key": "c", missing: ""}
    with pytest.raises(ValueError, match="required"):
        SandboxConfig(**given)


def test_a_webhook_address_without_a_secret_is_refused():
    with pytest.raises(ValueError, match="belong together"):
        config(webhook_url="http://127.0.0.1:9/")


def test_the_configuration_does_not_show_its_secrets():
    text = repr(config(airtm_secret="very-secret"))
    assert "very-secret" not in text


def test_the_process_refuses_to_start_without_its_secrets():
    environment = {name: value for name, value in os.environ.items() if "SANDBOX" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "offerhub.sandbox"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "SANDBOX_AIRTM_KEY" in done.stderr


def test_a_payout_goes_on_after_a_kill(tmp_path, launch, free_port):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = [sys.executable, "-m", "offerhub.sandbox", "--port", str(port)]
    arguments += ["--state", str(tmp_path / "state.db"), "--airtm-available-usd", "100"]
    arguments += ["--payout-step-delay-ms", "1500", "--no-rate-limits"]

    def start():
        return launch(*arguments, env=SECRETS, ready_url=f"{url}/_control/health")

    process = start()
    airtm = httpx.Client(base_url=f"{url}/airtm/v2", auth=(KEY, SECRET))
    airtm.post("/payouts", json=payout_body(commit=True))
    process.kill()
    process = start()
    until(lambda: airtm.get("/payouts/by-code/wd_1").json()["status"] == "COMPLETED")
    assert airtm.get("/me/balance").json() == {"available": 80, "pending": 0}
    world = httpx.get(f"{url}/_control/world").json()["airtm"]
    assert world["sum_of_all_balances"] == "0.00"
    assert process.stop() == 0


def test_the_three_providers_answer_at_their_addresses(sandbox):
    root = httpx.get(f"{sandbox.horizon_url}/").json()
    assert root["network_passphrase"] == sandbox.chain.passphrase
    assert httpx.get(f"{sandbox.airtm_base_url}/me", auth=(KEY, SECRET)).status_code == 200
    url = f"{sandbox.trustless_work_base_url}/helper/get-escrow-by-contract-ids"
    assert httpx.get(url).status_code == 401
    asked = httpx.get(
        url, params={"contractIds[]": "C" * 56}, headers={"x-api-key": TRUSTLESS_WORK_KEY}
    )
    assert asked.status_code not in (401, 500)
