"""The product speaks of itself alone: no machine's paths, no package index's address."""

import re

import pytest

from tests.architecture.tree import shown, texts

_SELF = "tests/architecture/test_wording.py"

_FORBIDDEN = {
    "a path of somebody's machine": re.compile(
        r"(?<![\w.{}/-])/(work|root|Users|home/\w+|opt/pypi)/"
    ),
    "a working file": re.compile(r"/tmp/(design|brief|boot)\b"),
    "a package index's address": re.compile(r"pypi\.org|pythonhosted\.org|\bghcr\.io|docker\.io"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_no_file_names(what: str) -> None:
    found = [
        f"{shown(path)}: {match.group()}"
        for path, text in texts()
        if shown(path) != _SELF
        for match in _FORBIDDEN[what].finditer(text)
    ]
    assert found == []
