"""Every other step: signed when it is the one that was asked for, and only then."""

from dataclasses import replace

import pytest
from stellar_sdk import scval, xdr

from offerhub.ports.escrow import Share
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.expected import PROTOCOL_FEE_ACCOUNT
from offerhub.sandbox.chain.invocation import Call
from tests.providers.scripted_server import Script
from tests.providers.trustlesswork.desk import STEAL, answers, refused
from tests.providers.trustlesswork.forged import (
    BUYER,
    CONTRACT,
    RELEASE,
    RESOLVER,
    SELLER,
    THIEF,
    Unsigned,
)

I128, U32, ADDRESS = scval.to_int128, scval.to_uint32, scval.to_address
SHARES = (Share(SELLER.address, 60_0000000), Share(BUYER.address, 40_0000000))


def shares_map(*pairs: tuple[str, int]) -> xdr.SCVal:
    return scval.to_map({ADDRESS(address): I128(amount) for address, amount in pairs})


HALVES = shares_map((SELLER.address, 60_0000000), (BUYER.address, 40_0000000))
TEXT = scval.to_string
# name: (path, build, honest arguments, signer, tampered arguments)
STEPS = {
    "change_milestone_status": (
        "/escrow/single-release/change-milestone-status",
        lambda e: e.build_milestone_status(
            CONTRACT,
            multi_release=False,
            milestone_index=0,
            status="completed",
            evidence="",
            signer=SELLER,
        ),
        [I128(0), TEXT("completed"), TEXT("-"), ADDRESS(SELLER.address)],
        SELLER,
        [
            [I128(1), TEXT("completed"), TEXT("-"), ADDRESS(SELLER.address)],
            [I128(0), TEXT("rejected"), TEXT("-"), ADDRESS(SELLER.address)],
            [I128(0), TEXT("completed"), scval.to_void(), ADDRESS(SELLER.address)],
            [I128(0), TEXT("completed"), TEXT("-"), ADDRESS(THIEF.address)],
        ],
    ),
    "approve_milestone": (
        "/escrow/multi-release/approve-milestone",
        lambda e: e.build_approve(CONTRACT, multi_release=True, milestone_index=1, signer=BUYER),
        [I128(1), ADDRESS(BUYER.address)],
        BUYER,
        [
            [I128(0), ADDRESS(BUYER.address)],
            [ADDRESS(BUYER.address), I128(1)],
            [TEXT("1"), ADDRESS(BUYER.address)],
        ],
    ),
    "release_funds": (
        "/escrow/single-release/release-funds",
        lambda e: e.build_release(CONTRACT, milestone_index=None, signer=RELEASE),
        [ADDRESS(RELEASE.address)],
        RELEASE,
        [[ADDRESS(THIEF.address)], [ADDRESS(RELEASE.address), ADDRESS(THIEF.address)]],
    ),
    "release_milestone_funds": (
        "/escrow/multi-release/release-milestone-funds",
        lambda e: e.build_release(CONTRACT, milestone_index=1, signer=RELEASE),
        [ADDRESS(RELEASE.address), U32(1)],
        RELEASE,
        [
            [ADDRESS(RELEASE.address), U32(0)],
            [ADDRESS(RELEASE.address), ADDRESS(THIEF.address), U32(1)],
            [ADDRESS(RELEASE.address)],
        ],
    ),
    "dispute_escrow": (
        "/escrow/single-release/dispute-escrow",
        lambda e: e.build_dispute(CONTRACT, milestone_index=None, signer=BUYER),
        [ADDRESS(BUYER.address)],
        BUYER,
        [[ADDRESS(SELLER.address)]],
    ),
    "dispute_milestone": (
        "/escrow/multi-release/dispute-milestone",
        lambda e: e.build_dispute(CONTRACT, milestone_index=0, signer=SELLER),
        [I128(0), ADDRESS(SELLER.address)],
        SELLER,
        [[I128(1), ADDRESS(SELLER.address)]],
    ),
    "resolve_dispute": (
        "/escrow/single-release/resolve-dispute",
        lambda e: e.build_resolve(CONTRACT, milestone_index=None, shares=SHARES, signer=RESOLVER),
        [ADDRESS(RESOLVER.address), HALVES],
        RESOLVER,
        [
            [ADDRESS(RESOLVER.address), shares_map((THIEF.address, 100_0000000))],
            [
                ADDRESS(RESOLVER.address),
                shares_map((SELLER.address, 40_0000000), (BUYER.address, 60_0000000)),
            ],
            [
                ADDRESS(RESOLVER.address),
                shares_map(
                    (SELLER.address, 60_0000000), (BUYER.address, 40_0000000), (THIEF.address, 1)
                ),
            ],
            [ADDRESS(RESOLVER.address), shares_map((SELLER.address, 60_0000000))],
            [ADDRESS(RESOLVER.address), ADDRESS(THIEF.address), HALVES],
        ],
    ),
    "resolve_milestone_dispute": (
        "/escrow/multi-release/resolve-milestone-dispute",
        lambda e: e.build_resolve(CONTRACT, milestone_index=2, shares=SHARES, signer=RESOLVER),
        [ADDRESS(RESOLVER.address), U32(2), HALVES],
        RESOLVER,
        [[ADDRESS(RESOLVER.address), U32(1), HALVES], [ADDRESS(RESOLVER.address), HALVES, U32(2)]],
    ),
}


@pytest.mark.parametrize("function", STEPS)
def test_each_step_is_signed_when_honest_and_refused_when_not(
    service: Script, escrows: TrustlessWorkEscrows, function: str
) -> None:
    path, build, args, signer, tampered = STEPS[function]
    honest = Call(CONTRACT, function, args)
    answers(service, f"POST {path}", Unsigned(honest, source=signer.address))
    assert build(escrows).source == signer.address
    for other in tampered:
        call = Call(CONTRACT, function, other)
        answers(service, f"POST {path}", Unsigned(call, source=signer.address))
        refused(lambda: build(escrows))
    answers(
        service,
        f"POST {path}",
        Unsigned(honest, source=signer.address, authorized=replace(honest, inner=[STEAL])),
    )
    refused(lambda: build(escrows))


@pytest.mark.parametrize(
    ("function", "position"),
    [
        ("release_funds", 1),
        ("release_milestone_funds", 1),
        ("resolve_dispute", 1),
        ("resolve_milestone_dispute", 2),
    ],
)
def test_versions_that_are_told_the_services_fee_account_are_known(
    service: Script, escrows: TrustlessWorkEscrows, function: str, position: int
) -> None:
    path, build, args, signer, _ = STEPS[function]
    told = [*args[:position], ADDRESS(PROTOCOL_FEE_ACCOUNT), *args[position:]]
    answers(service, f"POST {path}", Unsigned(Call(CONTRACT, function, told), signer.address))
    assert build(escrows).source == signer.address
    misplaced = [ADDRESS(PROTOCOL_FEE_ACCOUNT), *args]
    answers(service, f"POST {path}", Unsigned(Call(CONTRACT, function, misplaced), signer.address))
    refused(lambda: build(escrows))


def test_the_width_of_an_index_does_not_matter(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    path, build, _, signer, _ = STEPS["approve_milestone"]
    call = Call(CONTRACT, "approve_milestone", [U32(1), ADDRESS(BUYER.address)])
    answers(service, f"POST {path}", Unsigned(call, signer.address))
    assert build(escrows).source == BUYER.address


@pytest.mark.parametrize(
    "shares",
    [
        (),
        (Share(SELLER.address, 0),),
        (Share(SELLER.address, 1), Share(SELLER.address, 1)),
        (Share(SELLER.address, 2), Share(BUYER.address, -1)),
    ],
)
def test_shares_that_the_contract_would_misread_are_never_sent(
    service: Script, escrows: TrustlessWorkEscrows, shares: tuple[Share, ...]
) -> None:
    before = len(service.seen)
    with pytest.raises(ValueError, match="share"):
        escrows.build_resolve(CONTRACT, milestone_index=None, shares=shares, signer=RESOLVER)
    assert len(service.seen) == before
