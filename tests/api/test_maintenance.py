"""During maintenance nothing is changed over HTTP; everything is still read."""

import json

import pytest

from offerhub.services import maintenance
from tests.api.caller import Caller, code, open_api

ANA = {"external_user_id": "ana", "type": "BOTH"}


def test_changes_wait_while_reads_and_webhooks_go_on(api: Caller) -> None:
    first = api.post("/users", ANA, key="one")
    maintenance.switch(api.world.ctx, enabled=True, message="Back at noon.", retry_after_s=90)
    api = open_api(api.world)  # a process notices within a second; a new one at once
    refused = api.post("/users", {**ANA, "external_user_id": "bob"}, key="two")
    assert (refused.status_code, code(refused)) == (503, "MAINTENANCE")
    assert refused.json["error"]["message"] == "Back at noon."
    assert refused.headers["Retry-After"] == "90"
    assert code(api.delete(f"/auth/api-keys/{api.key_id}")) == "MAINTENANCE"
    assert api.get("/users").status_code == 200
    assert api.with_key(None).get("/health/ready").status_code == 200
    webhook = api.with_key(None).post("/webhooks/airtm", json.loads("{}"), key=None)
    assert code(webhook) == "WEBHOOK_SIGNATURE_INVALID"
    assert api.post("/users", ANA, key="one").data == first.data

    maintenance.switch(api.world.ctx, enabled=False)
    api = open_api(api.world)
    body = {**ANA, "external_user_id": "bob"}
    assert api.post("/users", body, key="two").status_code == 201


def test_the_database_is_asked_once_a_second_and_not_with_every_request(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    real = maintenance.store.flag
    monkeypatch.setattr(maintenance.store, "flag", lambda name: looks.append(name) or real(name))
    monkeypatch.setattr(maintenance, "CACHE_S", 3600.0)
    gate = maintenance.Gate()
    for _ in range(5):
        gate.check()
    assert looks == [maintenance.FLAG]
