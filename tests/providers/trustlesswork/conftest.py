"""One scripted escrow service for each module of attacks."""

from collections.abc import Iterator

import pytest

from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from tests.providers.scripted_server import Script, scripted
from tests.providers.trustlesswork.desk import adapter


@pytest.fixture(scope="module")
def service() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture(scope="module")
def escrows(service: Script) -> TrustlessWorkEscrows:
    return adapter(service)
