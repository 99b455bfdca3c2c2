"""Doors without keys: signed webhooks, and browsers that come back."""

import base64
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from svix.webhooks import Webhook

from offerhub.domain import ids
from offerhub.store.database import atomic
from offerhub.store.inbox import InboxEvent
from offerhub.store.users import User
from tests.api.caller import Caller, code, open_api
from tests.services.world import World

BODY = json.dumps(
    {"id": "evt_1", "type": "payin.payment_succeeded", "data": {"id": "p", "code": "topup_x"}}
).encode()


def _send(
    api: Caller, body: bytes = BODY, *, secret: str | None = None, at_s: float | None = None,
    **changed: str,
) -> Any:  # fmt: skip
    moment = datetime.fromtimestamp(at_s or time.time(), tz=UTC)
    signer = Webhook(secret or api.world.environ["AIRTM_WEBHOOK_SECRET"])
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(moment.timestamp())),
        "svix-signature": signer.sign("msg_1", moment, body.decode()),
        "Content-Type": "application/json",
    }
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return api.with_key(None).send("POST", "/webhooks/airtm", raw=body, headers=headers)


def _stored() -> int:
    with atomic():
        return int(InboxEvent.select().count())


def test_a_signed_webhook_is_stored_once_and_answered_at_once(api: Caller) -> None:
    first, again = _send(api), _send(api)
    assert (first.status_code, first.json["data"]) == (200, {"duplicate": False})
    assert (again.status_code, again.json["data"]) == (200, {"duplicate": True})
    assert _stored() == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"svix_signature": "v1,AAAA"},
        {"svix_signature": ""},
        {"svix_id": "msg_2"},
        {"svix_timestamp": "0"},
        {"svix_timestamp": "soon"},
    ],
)
def test_a_bad_signature_is_refused(api: Caller, changed: dict[str, str]) -> None:
    answer = _send(api, **changed)
    assert (answer.status_code, code(answer)) == (400, "WEBHOOK_SIGNATURE_INVALID")
    assert _stored() == 0


@pytest.mark.parametrize("off_s", [-600, 600])
def test_a_webhook_from_another_time_is_refused(api: Caller, off_s: float) -> None:
    assert code(_send(api, at_s=time.time() + off_s)) == "WEBHOOK_SIGNATURE_INVALID"


def test_another_secret_is_refused(api: Caller) -> None:
    forged = "whsec_" + base64.b64encode(b"x" * 32).decode()
    assert code(_send(api, secret=forged)) == "WEBHOOK_SIGNATURE_INVALID"


def test_the_bytes_are_what_is_signed(api: Caller) -> None:
    """Spaces that mean nothing to JSON break the signature: nothing is parsed before it holds."""
    spaced = BODY.replace(b'": ', b'":  ')
    moment = datetime.now(UTC)
    signature = Webhook(api.world.environ["AIRTM_WEBHOOK_SECRET"]).sign(
        "msg_1", moment, BODY.decode()
    )
    answer = _send(api, spaced, svix_signature=signature)
    assert code(answer) == "WEBHOOK_SIGNATURE_INVALID"


def test_a_signed_body_that_is_no_json_is_refused(api: Caller) -> None:
    answer = _send(api, b"not json")
    assert (answer.status_code, code(answer)) == (400, "INVALID_REQUEST")


def test_without_a_secret_nothing_is_accepted(world: World) -> None:
    class Unconfigured:
        configured = False

        def verify(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("nothing is verified without a secret")

    app = replace(world.app, airtm_webhooks=Unconfigured())  # type: ignore[arg-type]
    answer = _send(open_api(world, app=app))
    assert (answer.status_code, code(answer)) == (503, "PROVIDER_UNAVAILABLE")
    assert "Retry-After" in answer.headers


@pytest.fixture
def topup_id(api: Caller) -> str:
    """A top-up that is recorded and not yet known to Airtm."""
    ana = api.user("ana")
    with atomic():
        User.update(airtm_user_id="airtm-1", airtm_email="a@example.com").where(
            User.id == ana
        ).execute()
    return str(
        api.made(
            "/topups",
            {
                "user_id": ana,
                "amount": "10.00",
                "return_url": "https://shop.example/done?a=1",
                "cancel_url": "http://localhost:3000/cart",
            },
        )["id"]
    )


def test_browsers_land_where_the_marketplace_said(api: Caller, topup_id: str) -> None:
    browser = api.with_key(None)
    done, gone = (
        browser.get(f"/topups/{topup_id}/return"),
        browser.get(f"/topups/{topup_id}/cancel"),
    )
    assert done.status_code == gone.status_code == 303
    assert done.headers["Location"] == (
        f"https://shop.example/done?a=1&topup_id={topup_id}&status=TOPUP_CREATED"
    )
    assert gone.headers["Location"].startswith("http://localhost:3000/cart?topup_id=")
    assert done.headers["Referrer-Policy"] == "no-referrer"


def test_a_browser_is_sent_nowhere_else(api: Caller, topup_id: str) -> None:
    answer = api.with_key(None).get(f"/topups/{topup_id}/return?return_url=https://evil.example")
    assert answer.headers["Location"].startswith("https://shop.example/")


@pytest.mark.parametrize(
    "topup", [ids.new_id(ids.TOPUP), "no-id-at-all", "%00", "https:evil.example"]
)
def test_an_unknown_topup_is_a_page_for_people(api: Caller, topup: str) -> None:
    answer = api.with_key(None).get(f"/topups/{topup}/return")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "Nothing here" in answer.text
    assert topup not in answer.text
