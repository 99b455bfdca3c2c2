"""What the description says of a field's form is what reading the field holds it to."""

import json
import re
from collections.abc import Callable
from typing import Any

import marshmallow as ma
import pytest

from offerhub.api import json_body
from offerhub.api.events import POSITION_PATTERN, position
from offerhub.api.path_ids import PATTERNS
from offerhub.api.schemas.addresses import EmailAddress, WebAddress
from offerhub.api.schemas.envelopes import CURSOR_PATTERN
from offerhub.api.schemas.fields import Moment, Text, Whole
from offerhub.domain.errors import ValidationFailed
from offerhub.store import paging
from tests.api.conformance import described


def _reads(field: ma.fields.Field[Any], value: Any) -> bool:
    try:
        field.deserialize(value)
    except ma.ValidationError:
        return False
    return True


def _described(field: ma.fields.Field[Any], value: str) -> bool:
    return bool(re.search(field.metadata["pattern"], value)) and not value.endswith("\n")


@pytest.mark.parametrize(
    ("make", "good", "bad"),
    [
        (
            lambda: Text(most=9),
            ["a", " a ", "\x1ca", "é", "\U0001f600"],
            [" ", "\t\r", "\x1c\x1f", "\x85", "\xa0", "\u2003", "\ufeff", "\ufeff \u3000"],
        ),
        (
            Moment,
            ["1970-01-01T00:00:00Z", "9998-12-31T23:59:59.123456789+05:30",
             "2026-11-24T10:00:00.000-00:30"],
            ["1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2026-01-10T12:00:00",
             "2026-01-10 12:00:00Z", "2026-01-10T12:00Z", "20260110T120000Z",
             "2026-01-10T12:00:60Z", "2026-01-10t12:00:00z", "2026-01-10T12:00:00.Z"],
        ),
        (
            WebAddress,
            ["http://a", "https://shop.example:65535/a?b=c#d", "http://127.0.0.1:9/hooks",
             "http://[::1]:80", "http://my_host/{id}"],
            ["ftp://a", "http://", "http://a:0", "http://a:65536", "http://u@a", "http://u:p@a/",
             "http://a b", "http://a\\b", "http://é", "http:a", "//a", "http://a/\n", "http://a@b"],
        ),
        (
            EmailAddress,
            ["ana@example.com", "a+b!#$%&'*/=?^_`{|}~@x.io", "é@example.com"],
            ["a", "a@b@c", "a b@c.d", "a\u2003@c.d", "a\x07@c.d", "@c.d", "a@", "a@é", "a@b\n",
             "x" * 65 + "@c.d"],
        ),
    ],
    ids=["text", "moment", "web address", "e-mail address"],
)  # fmt: skip
def test_a_form_is_read_as_it_is_described(
    make: Callable[[], ma.fields.Field[Any]], good: list[str], bad: list[str]
) -> None:
    field = make()
    found = {text: (_described(field, text), _reads(field, text)) for text in [*good, *bad]}
    assert found == dict.fromkeys(good, (True, True)) | dict.fromkeys(bad, (False, False))


def test_what_looks_like_a_moment_or_an_address_is_still_looked_at() -> None:
    assert not _reads(Moment(), "2026-02-30T00:00:00Z")
    assert not _reads(WebAddress(), "http://[1]/")
    assert _reads(WebAddress(), "HTTPS://shop.example/")


@pytest.mark.parametrize("text", [b"7", b"7.0", b"70e-1", b"0.7E1"])
def test_a_whole_number_may_be_written_with_a_point(text: bytes) -> None:
    read = Whole(least=1, most=9).deserialize(json_body.parse(text))
    assert (read, type(read)) == (7, int)


@pytest.mark.parametrize(
    "text", [b"7.5", b"-7.0", b"0.0", b"10.0", b"1e99999", b"1e-99999", b'"7"', b"true", b"[7]"]
)
def test_other_numbers_are_refused(text: bytes) -> None:
    assert not _reads(Whole(least=1, most=9), json_body.parse(text))


def test_whole_numbers_have_bounds_of_their_own() -> None:
    assert _reads(Whole(least=1), 2**31 - 1)
    assert not _reads(Whole(least=1), 2**31)


def test_white_space_is_no_body() -> None:
    assert json_body.parse(b"") == {}
    with pytest.raises(json_body.InvalidRequest):
        json_body.parse(b" \r\n")


def test_cursors_have_the_form_that_is_described() -> None:
    for key in ("usr_V1StGXR8_Z5jdHi6B-myT", 2**62, "ÿ\U0001f600"):
        assert re.fullmatch(CURSOR_PATTERN, paging.encode(2**62, key))


@pytest.mark.parametrize("text", ["0", "9" * 18, "", "9" * 19, "-1", "١", "1\n"])
def test_positions_have_the_form_that_is_described(text: str) -> None:
    try:
        read = position(text, field="cursor") >= 0
    except ValidationFailed:
        read = False
    assert read is bool(re.fullmatch(POSITION_PATTERN, text))


def test_every_parameter_of_a_path_has_a_form() -> None:
    for path, item in described()["paths"].items():
        for parameter in item.get("parameters", []):
            assert parameter["schema"]["pattern"] == PATTERNS[parameter["name"]], path


def test_every_text_of_a_request_is_bounded_and_has_a_form_or_a_list() -> None:
    """A new field without bounds would be found by its first caller, not by us."""
    schemas = described()["components"]["schemas"]
    asked = {
        schema["$ref"].rsplit("/")[-1]
        for item in described()["paths"].values()
        for method, operation in item.items()
        if method != "parameters" and "requestBody" in operation
        for schema in [operation["requestBody"]["content"]["application/json"]["schema"]]
        if "$ref" in schema  # webhooks of providers are theirs to describe
    }
    loose = [
        f"{name}.{field}"
        for name in sorted(asked | {"NewMilestone"})
        for field, schema in schemas[name]["properties"].items()
        if "string" in json.dumps(schema.get("type", "")) and not {"pattern", "enum"} & set(schema)
    ]
    assert loose == []
