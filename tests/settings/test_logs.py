"""Logs: whatever a library says, and however deep a secret lies, it does not come out."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from stellar_sdk import Keypair

from offerhub import logs

SEED = Keypair.from_raw_ed25519_seed(bytes(range(32))).secret
SECRETS = (
    "ohk_live_key_V1StGXR8_Z5jdHi6B-myT_s3cretpart",
    "ohk_tok_eyJhbGciOi.JIUzI1NiJ9",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    SEED,
    "Authorization: Bearer abcdefghijkl",
    "Basic dXNlcjpwYXNzd29yZA==",
    "postgresql://market:hunter2hunter2@db/offerhub",
)


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)


def _entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _configured() -> io.StringIO:
    stream = io.StringIO()
    logs.configure(process="worker critical", stream=stream)
    return stream


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_any_place_is_hidden(secret: str) -> None:
    stream = _configured()
    log = logs.get_logger("offerhub.test")
    log.info(f"said {secret}", deep={"list": [{"note": secret}]}, raw=secret.encode())
    logging.getLogger("rq.worker").warning("job %s", secret)
    try:
        raise RuntimeError(secret)
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("gunicorn.error").exception("failed")
    said = stream.getvalue()
    assert len(_entries(stream)) == 4
    hidden = secret.split()[-1].removeprefix("postgresql://market:").removesuffix("@db/offerhub")
    assert hidden not in said
    assert said.count(logs.HIDDEN) >= 5


@pytest.mark.parametrize(
    "key",
    ["password", "airtm_api_secret", "STELLAR_RELEASE_SECRET", "Authorization", "access_token",
     "wallet_keks", "api_key", "X-Api-Key", "master_key", "seed", "cookie"],
)  # fmt: skip
def test_a_value_under_a_secret_name_is_hidden(key: str) -> None:
    assert logs.redact({"a": [{key: "plainvalue"}]}) == {"a": [{key: logs.HIDDEN}]}


def test_ids_and_counts_are_left_alone() -> None:
    entry = {
        "idempotency_key": "order-17", "key_id": "key_1", "tokens_left": 3, "topup_id": "topup_1",
        "address": Keypair.random().public_key, "hash": "b8ad7d73", "secret": None, "api_key": "",
    }  # fmt: skip
    assert logs.redact(entry) == entry


def test_an_email_address_keeps_its_first_letter_and_domain() -> None:
    assert logs.redact("sent to jane.doe@example.com") == "sent to j***@example.com"


def test_bound_ids_are_on_every_entry_of_the_block_and_of_no_other() -> None:
    stream = _configured()
    with logs.bind(request_id="req_1", order_id=None):
        logging.getLogger("offerhub.anything").info("inside")
        with logs.bind(operation_id="opn_1"):
            logs.get_logger("offerhub").info("deeper", step="deploy")
    logs.get_logger("offerhub").info("outside")
    inside, deeper, outside = _entries(stream)
    assert inside["request_id"] == "req_1"
    assert (deeper["request_id"], deeper["operation_id"], deeper["step"]) == (
        "req_1", "opn_1", "deploy",
    )  # fmt: skip
    assert "request_id" not in outside
    assert "order_id" not in inside
    assert outside["process"] == "worker critical"
    assert outside["level"] == "info"
    assert outside["at"].endswith("Z")


def test_statements_and_calls_of_libraries_are_not_logged_even_at_debug() -> None:
    stream = io.StringIO()
    logs.configure(process="api", level="debug", stream=stream)
    logging.getLogger("peewee").debug(("INSERT", ["secret"]))
    logging.getLogger("httpx").info("GET /?key=1")
    assert stream.getvalue() == ""


def test_the_console_form_is_for_people_and_redacts_too() -> None:
    stream = io.StringIO()
    logs.configure(process="api", format_="console", stream=stream)
    logs.get_logger("offerhub").warning("odd", seed_text=SEED)
    assert "odd" in stream.getvalue()
    assert SEED not in stream.getvalue()


def test_the_console_form_obeys_nobody() -> None:
    stream = io.StringIO()
    logs.configure(process="api", format_="console", stream=stream)
    logs.get_logger("offerhub").info("request", path="/\x1b[31mred\x9b\u202e\nforged", status=404)
    try:
        raise ValueError("\x1b]0;owned\x07")
    except ValueError:
        logs.get_logger("offerhub").exception("odd")
    said = stream.getvalue()
    assert not [sign for sign in "\x1b\x07\x9b\u202e" if sign in said]
    assert r"/\x1b[31mred\x9b\u202e\nforged" in said
    assert "Traceback" in said
    assert "status=404" in said


def test_only_what_a_terminal_obeys_is_escaped() -> None:
    assert logs.printable("Überweisung für 東京 ✓") == "Überweisung für 東京 ✓"
    assert logs.printable("a\nb\tc\x1b") == r"a\nb\tc\x1b"
    assert logs.printable("a\nb\tc\x1b\r", lines=True) == "a\nb\tc" + r"\x1b\r"
