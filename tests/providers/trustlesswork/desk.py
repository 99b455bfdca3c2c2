"""An escrow adapter at a service that answers with whatever a test wants it to sign."""

from collections.abc import Callable

import pytest

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.ports.escrow import EscrowTerms
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.client import connect
from offerhub.sandbox.chain.invocation import Call, token_transfer
from offerhub.sandbox.trustless_work.contracts import FACTORIES
from tests.providers.network_world import CountingLimiter
from tests.providers.scripted_server import Script
from tests.providers.trustlesswork.forged import (
    BUYER,
    CONTRACT,
    ISSUER,
    PASSPHRASE,
    PLATFORM,
    SINGLE,
    THIEF,
    TOKEN,
    Unsigned,
)

FUND = "POST /escrow/single-release/fund-escrow"
STEAL = token_transfer(TOKEN, sender=BUYER.address, to=THIEF.address, amount_stroops=120_0000000)


def adapter(service: Script, **settings: object) -> TrustlessWorkEscrows:
    fields: dict[str, object] = {"factory_ids": tuple(FACTORIES.values()), **settings}
    return TrustlessWorkEscrows(
        connect(service.url, api_key="key"),
        passphrase=PASSPHRASE,
        usdc_issuer=ISSUER,
        limiter=CountingLimiter(),
        **fields,  # type: ignore[arg-type]
    )


def answers(service: Script, path: str, unsigned: Unsigned | str) -> None:
    text = unsigned if isinstance(unsigned, str) else unsigned.to_xdr()
    service.on(path, (200, {"status": "SUCCESS", "unsignedTransaction": text}))


def refused(build: Callable[[], SignedTransaction]) -> str:
    with pytest.raises(Rejected) as raised:
        build()
    assert raised.value.code == "not_what_was_asked_for"
    assert raised.value.error_code == "PROVIDER_ERROR"
    assert raised.value.message.startswith("ALARM")
    return raised.value.message


def funded(service: Script, escrows: TrustlessWorkEscrows, sent: Unsigned) -> SignedTransaction:
    answers(service, FUND, sent)
    return escrows.build_fund(CONTRACT, SINGLE, signer=BUYER)


def deployed(
    service: Script, escrows: TrustlessWorkEscrows, call: Call, terms: EscrowTerms
) -> None:
    kind = "multi-release" if terms.multi_release else "single-release"
    answers(service, f"POST /deployer/{kind}", Unsigned(call, source=PLATFORM.address))
    return escrows.build_deploy(terms, signer=PLATFORM)
