"""What audit records keep of texts: no secret, no whole address, and in a moment."""

import time

import pytest

from offerhub import logs
from offerhub.services import audit

LONG = 20_000  # squared, it would take seconds


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ana.lopez+shop@mail.example.com", "write to a***@mail.example.com"),
        ("ohk_test_" + "A" * 65, "[redacted]"),
        ("whsec_abc/def+ghi= and more", "[redacted] and more"),
        ("S" + "A" * 55, "[redacted]"),
        (f"{'a' * 64}@example.com", "a***@example.com"),
        ("no secret at all, @ home", "no secret at all, @ home"),
    ],
)
def test_secrets_are_gone_and_addresses_are_short(text: str, kept: str) -> None:
    assert audit.redact({"note": text, "more": [text]}) == {"note": kept, "more": [kept]}


def test_what_is_called_a_secret_is_gone_whatever_it_is() -> None:
    told = {
        "token": "x",
        "seed": ["x"],
        "deep": {"api_key": {"a": 1}},
        "kept": None,
        "secret": None,
    }
    assert audit.redact(told) == {
        "token": "[redacted]", "seed": ["[redacted]"], "deep": {"api_key": {"a": 1}},
        "kept": None, "secret": None,
    }  # fmt: skip


@pytest.mark.parametrize("redact", [audit.redact_text, logs.redact_text])
@pytest.mark.parametrize("unit", ["a", "a.", "S", "a@", "a-", "%", "secret ", "bearer ", "://a:"])
def test_no_text_takes_long(redact: object, unit: str) -> None:
    """A client's own texts pass here inside the transaction that everybody waits for."""
    text = unit * (LONG // len(unit)) + " @secret"
    before_s = time.process_time()
    redact(text)  # type: ignore[operator]
    assert time.process_time() - before_s < 0.4
