"""Whatever the escrow service sends, only the transaction that was asked for gets a signature."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from stellar_sdk import Account, Address, Asset, Keypair, TransactionBuilder, scval, xdr
from stellar_sdk.operation import Payment

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.ports.escrow import EscrowTerms, MilestoneTerms, Share
from offerhub.providers import transactions
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.client import connect
from offerhub.providers.trustlesswork.expected import PROTOCOL_FEE_ACCOUNT
from offerhub.sandbox.chain.invocation import Call, token_transfer
from offerhub.sandbox.trustless_work.contracts import FACTORIES, WASM_HASHES
from offerhub.sandbox.trustless_work.escrow import Milestone
from tests.providers.network_world import CountingLimiter
from tests.providers.scripted_server import Script, scripted
from tests.providers.trustlesswork.forged import (
    BUYER,
    CONTRACT,
    ISSUER,
    MULTI,
    OTHER_CONTRACT,
    PASSPHRASE,
    PLATFORM,
    RELEASE,
    RESOLVER,
    SELLER,
    SINGLE,
    THIEF,
    TOKEN,
    Authorized,
    Unsigned,
    deploy_call,
    fund_call,
    somebody_elses_credentials,
    stored,
)

FUND = "POST /escrow/single-release/fund-escrow"
STEAL = token_transfer(TOKEN, sender=BUYER.address, to=THIEF.address, amount_stroops=120_0000000)
PAY_THIEF = Payment(THIEF.address, Asset("USDC", ISSUER), "120")


@pytest.fixture(scope="module")
def service() -> Iterator[Script]:
    with scripted() as script:
        yield script


def adapter(service: Script, **settings: object) -> TrustlessWorkEscrows:
    fields: dict[str, object] = {"factory_ids": tuple(FACTORIES.values()), **settings}
    return TrustlessWorkEscrows(
        connect(service.url, api_key="key"),
        passphrase=PASSPHRASE,
        usdc_issuer=ISSUER,
        limiter=CountingLimiter(),
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def escrows(service: Script) -> TrustlessWorkEscrows:
    return adapter(service)


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


def test_the_honest_funding_is_signed_by_the_buyer(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    signed = funded(service, escrows, Unsigned(fund_call()))
    envelope = transactions.decode(signed.xdr, passphrase=PASSPHRASE)
    (signature,) = envelope.signatures
    Keypair.from_public_key(BUYER.address).verify(envelope.hash(), signature.signature)
    assert signed.hash == envelope.hash_hex()
    assert (signed.source, signed.sequence, signed.max_time_s) == (
        BUYER.address,
        8,
        1_768_046_640,
    )
    assert service.seen[-1][3] == (
        f'{{"contractId":"{CONTRACT}","signer":"{BUYER.address}","amount":120}}'.encode()
    )


def test_a_transaction_without_time_bounds_is_taken_and_reported_as_such(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    with pytest.warns(UserWarning, match="TimeBounds"):
        unbounded = Unsigned(fund_call(), max_time_s=None).to_xdr()
    answers(service, FUND, unbounded)
    assert escrows.build_fund(CONTRACT, SINGLE, signer=BUYER).max_time_s == 0


def fund_with(**changes: object) -> Call:
    """The funding call with arguments replaced, its inner call left honest."""
    call = fund_call()
    args = list(call.args)
    for position, value in changes.items():
        args[int(position.removeprefix("arg"))] = value  # type: ignore[call-overload]
    return replace(call, args=args)


ATTACKS: dict[str, Unsigned] = {
    "more money": Unsigned(fund_call(amount=120_0000001)),
    "less money": Unsigned(fund_call(amount=119_9999999)),
    "money times ten": Unsigned(fund_call(amount=1200_0000000)),
    "no money": Unsigned(fund_call(amount=0)),
    "negative money": Unsigned(fund_call(amount=-120_0000000)),
    "another contract": Unsigned(replace(fund_call(), contract=OTHER_CONTRACT)),
    "the token contract": Unsigned(STEAL),
    "another function": Unsigned(replace(fund_call(), function="update_escrow")),
    "another signer": Unsigned(fund_with(arg0=scval.to_address(SELLER.address))),
    "swapped arguments": Unsigned(
        replace(fund_call(), args=[fund_call().args[2], fund_call().args[1], fund_call().args[0]])
    ),
    "an argument too many": Unsigned(
        replace(fund_call(), args=[*fund_call().args, scval.to_address(THIEF.address)])
    ),
    "an argument too few": Unsigned(replace(fund_call(), args=fund_call().args[:2])),
    "no arguments": Unsigned(replace(fund_call(), args=[])),
    "an amount as text": Unsigned(fund_with(arg2=scval.to_string("1200000000"))),
    "another escrow": Unsigned(
        fund_with(arg1=stored(replace(SINGLE, order_id="ord_other")).to_scval())
    ),
    "another seller": Unsigned(
        fund_with(arg1=stored(replace(SINGLE, seller=THIEF.address)).to_scval())
    ),
    "no escrow": Unsigned(fund_with(arg1=scval.to_void())),
    "another source": Unsigned(fund_call(), source=SELLER.address),
    "another operation source": Unsigned(fund_call(), operation_source=THIEF.address),
    "a fee above the ceiling": Unsigned(fund_call(), fee=50_000_001),
    "an extra payment": Unsigned(fund_call(), more_operations=[PAY_THIEF]),
    "a foreign authorisation": Unsigned(
        fund_call(), credentials=somebody_elses_credentials(SELLER.address)
    ),
    "an address authorisation of the source itself": Unsigned(
        fund_call(), credentials=somebody_elses_credentials(BUYER.address)
    ),
    "a second authorisation": Unsigned(fund_call(), more_authorizations=[STEAL]),
    "the same authorisation twice": Unsigned(fund_call(), more_authorizations=[fund_call()]),
    "an authorisation of another call": Unsigned(fund_call(), authorized=STEAL),
    "a hidden transfer to a thief": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=[STEAL])
    ),
    "a hidden second transfer": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=[*fund_call().inner, STEAL])
    ),
    "the honest transfer twice": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=[*fund_call().inner] * 2)
    ),
    "a larger transfer than the argument": Unsigned(
        fund_call(), authorized=replace(fund_call(), inner=fund_call(amount=121_0000000).inner)
    ),
    "a transfer hidden in the transfer": Unsigned(
        fund_call(),
        authorized=replace(fund_call(), inner=[replace(fund_call().inner[0], inner=[STEAL])]),
    ),
    "a transfer of another token": Unsigned(
        fund_call(),
        authorized=replace(
            fund_call(), inner=[replace(fund_call().inner[0], contract=OTHER_CONTRACT)]
        ),
    ),
    "an approval instead of a transfer": Unsigned(
        fund_call(),
        authorized=replace(fund_call(), inner=[replace(fund_call().inner[0], function="approve")]),
    ),
    "a loosened sequence number": Unsigned(fund_call(), min_sequence=1),
}


# What each is refused for, so that none is refused by accident.
REASONS = {
    "more money": "argument 2",
    "less money": "argument 2",
    "money times ten": "argument 2",
    "no money": "argument 2 is 0",
    "negative money": "argument 2",
    "another contract": "it calls C",
    "the token contract": "it calls C",
    "another function": "it calls update_escrow",
    "another signer": "argument 0",
    "swapped arguments": "argument 0",
    "an argument too many": "4 arguments",
    "an argument too few": "2 arguments",
    "no arguments": "0 arguments",
    "an amount as text": "argument 2",
    "another escrow": "argument 1.engagement_id",
    "another seller": "argument 1.roles.receiver",
    "no escrow": "argument 1",
    "another source": "its source",
    "another operation source": "its operation acts",
    "a fee above the ceiling": "its fee",
    "an extra payment": "2 operations",
    "a foreign authorisation": "somebody else",
    "an address authorisation of the source itself": "somebody else",
    "a second authorisation": "2 authorisations",
    "the same authorisation twice": "2 authorisations",
    "an authorisation of another call": "another call",
    "a hidden transfer to a thief": "not asked for",
    "a hidden second transfer": "several further",
    "the honest transfer twice": "several further",
    "a larger transfer than the argument": "not asked for",
    "a transfer hidden in the transfer": "calls within calls",
    "a transfer of another token": "not asked for",
    "an approval instead of a transfer": "not asked for",
    "a loosened sequence number": "preconditions",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tampered_funding_is_never_signed(
    service: Script, escrows: TrustlessWorkEscrows, attack: str
) -> None:
    answers(service, FUND, ATTACKS[attack])
    reason = refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))
    assert REASONS[attack] in reason.partition("was not signed: ")[2]


def test_a_plain_payment_is_never_signed(service: Script, escrows: TrustlessWorkEscrows) -> None:
    builder = TransactionBuilder(Account(BUYER.address, 7), PASSPHRASE, base_fee=100)
    answers(service, FUND, builder.append_operation(PAY_THIEF).set_timeout(60).build().to_xdr())
    assert "not a contract call" in refused(
        lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER)
    )
    builder = TransactionBuilder(Account(BUYER.address, 7), PASSPHRASE, base_fee=100)
    answers(service, FUND, builder.set_timeout(60).build().to_xdr())
    assert "its fee is 0" in refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


def test_an_upload_of_code_is_never_signed(service: Script, escrows: TrustlessWorkEscrows) -> None:
    builder = TransactionBuilder(Account(BUYER.address, 7), PASSPHRASE, base_fee=100)
    builder.append_upload_contract_wasm_op(b"\0asm").set_timeout(60)
    answers(service, FUND, builder.build().to_xdr())
    assert "UPLOAD" in refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


@pytest.mark.parametrize("text", ["AAAA", "not base64", "<html>"])
def test_what_is_no_transaction_is_never_signed(
    service: Script, escrows: TrustlessWorkEscrows, text: str
) -> None:
    answers(service, FUND, text)
    refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


def test_one_that_somebody_signed_already_is_never_signed(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    envelope = transactions.decode(Unsigned(fund_call()).to_xdr(), passphrase=PASSPHRASE)
    envelope.sign(THIEF.seed)
    answers(service, FUND, envelope.to_xdr())
    assert "signed it already" in refused(
        lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER)
    )


def deployed(
    service: Script, escrows: TrustlessWorkEscrows, call: Call, terms: EscrowTerms
) -> None:
    kind = "multi-release" if terms.multi_release else "single-release"
    answers(service, f"POST /deployer/{kind}", Unsigned(call, source=PLATFORM.address))
    return escrows.build_deploy(terms, signer=PLATFORM)


@pytest.mark.parametrize("terms", [SINGLE, MULTI], ids=["single", "multi"])
def test_honest_deployments_are_signed(
    service: Script, escrows: TrustlessWorkEscrows, terms: EscrowTerms
) -> None:
    deployed(service, escrows, deploy_call(terms), terms)


def test_a_newer_factory_under_a_new_name_is_known(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    for terms, name in ((SINGLE, "single"), (MULTI, "multi")):
        call = replace(deploy_call(terms), function=f"tw_new_{name}_release_escrow")
        deployed(service, escrows, call, terms)
    crossed = replace(deploy_call(SINGLE), function="tw_new_multi_release_escrow")
    refused(lambda: deployed(service, escrows, crossed, SINGLE))


BAD_STRUCTS = {
    "another amount": stored(replace(SINGLE, amount_stroops=12_0000000)),
    "another fee": stored(replace(SINGLE, platform_fee_bps=2_500)),
    "another title": stored(replace(SINGLE, title="Order 1043")),
    "another description": stored(replace(SINGLE, description="Logo design")),
    "another buyer": stored(replace(SINGLE, buyer=THIEF.address)),
    "another seller": stored(replace(SINGLE, seller=THIEF.address)),
    "another platform": stored(replace(SINGLE, platform=THIEF.address)),
    "another release signer": stored(replace(SINGLE, release_signer=THIEF.address)),
    "another resolver": stored(replace(SINGLE, dispute_resolver=THIEF.address)),
    "another token": stored(SINGLE, trustline=OTHER_CONTRACT),
    "a receiver memo": stored(SINGLE, receiver_memo=7),
    "released from the start": stored(SINGLE, released=True),
    "disputed from the start": stored(SINGLE, disputed=True),
    "approved from the start": stored(SINGLE, milestones=[Milestone("Delivery", approved=True)]),
    "a milestone more": stored(SINGLE, milestones=[Milestone("Delivery"), Milestone("Delivery")]),
    "no milestone": stored(SINGLE, milestones=[]),
    "another milestone": stored(SINGLE, milestones=[Milestone("Nothing")]),
    "the other kind": stored(replace(MULTI, milestones=(MilestoneTerms("Delivery", 120_0000000),))),
}


@pytest.mark.parametrize("struct", BAD_STRUCTS.values(), ids=BAD_STRUCTS.keys())
def test_other_terms_are_never_deployed(
    service: Script, escrows: TrustlessWorkEscrows, struct: object
) -> None:
    call = deploy_call(SINGLE, struct=struct.to_scval())  # type: ignore[attr-defined]
    assert "argument 4[0]" in refused(lambda: deployed(service, escrows, call, SINGLE))


def test_milestones_of_other_worth_or_for_others_are_never_deployed(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    honest = stored(MULTI).milestones
    for changes in ({"amount": 21_0000000}, {"receiver": THIEF.address}, {"released": True}):
        tampered = [replace(honest[0], **changes), honest[1]]  # type: ignore[arg-type]
        call = deploy_call(MULTI, struct=stored(MULTI, milestones=tampered).to_scval())
        refused(lambda call=call: deployed(service, escrows, call, MULTI))
    swapped = stored(MULTI, milestones=honest[::-1]).to_scval()
    call = deploy_call(MULTI, struct=swapped)
    refused(lambda: deployed(service, escrows, call, MULTI))


def test_other_factories_initialisers_and_constructor_arguments_are_refused(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    tampered = [
        replace(deploy_call(SINGLE), contract=OTHER_CONTRACT),
        deploy_call(SINGLE, arg0=scval.to_address(THIEF.address)),
        deploy_call(SINGLE, arg1=scval.to_bytes(b"short")),
        deploy_call(SINGLE, arg3=scval.to_symbol("set_admin")),
        deploy_call(SINGLE, arg4=scval.to_vec([])),
        deploy_call(SINGLE, arg5=scval.to_vec([scval.to_address(THIEF.address)])),
    ]
    for call in tampered:
        refused(lambda call=call: deployed(service, escrows, call, SINGLE))


def test_without_configured_factories_any_may_deploy_but_only_these_terms(service: Script) -> None:
    trusting = adapter(service, factory_ids=())
    deployed(service, trusting, replace(deploy_call(SINGLE), contract=OTHER_CONTRACT), SINGLE)
    bad = deploy_call(SINGLE, struct=stored(replace(SINGLE, seller=THIEF.address)).to_scval())
    refused(lambda: deployed(service, trusting, bad, SINGLE))


def test_configured_code_is_the_only_code_that_is_deployed(service: Script) -> None:
    known = adapter(service, wasm_hashes=(WASM_HASHES["single-release"].hex().upper(),))
    deployed(service, known, deploy_call(SINGLE), SINGLE)
    evil = deploy_call(SINGLE, arg1=scval.to_bytes(b"e" * 32))
    refused(lambda: deployed(service, known, evil, SINGLE))


def creation(*, deployer: str, wasm: bytes, salt: bytes) -> xdr.SorobanAuthorizedInvocation:
    """The authorisation to create a contract, as a deployment in the deployer's name needs it."""
    preimage = xdr.ContractIDPreimage(
        xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
        from_address=xdr.ContractIDPreimageFromAddress(
            Address(deployer).to_xdr_sc_address(), xdr.Uint256(salt)
        ),
    )
    executable = xdr.ContractExecutable(
        xdr.ContractExecutableType.CONTRACT_EXECUTABLE_WASM, wasm_hash=xdr.Hash(wasm)
    )
    kind = Authorized.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CREATE_CONTRACT_V2_HOST_FN
    return xdr.SorobanAuthorizedInvocation(
        xdr.SorobanAuthorizedFunction(
            kind,
            create_contract_v2_host_fn=xdr.CreateContractArgsV2(preimage, executable, []),
        ),
        [],
    )


def with_creation(sent: Unsigned, inner: xdr.SorobanAuthorizedInvocation) -> str:
    envelope = transactions.decode(sent.to_xdr(), passphrase=PASSPHRASE)
    operation = envelope.transaction.operations[0]
    operation.auth[0].root_invocation.sub_invocations = [inner]  # type: ignore[attr-defined]
    return envelope.to_xdr()


def test_a_deployment_may_create_its_own_contract_and_no_other(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    path = "POST /deployer/single-release"
    honest = {
        "deployer": PLATFORM.address,
        "wasm": WASM_HASHES["single-release"],
        "salt": bytes(32),
    }
    sent = Unsigned(deploy_call(SINGLE), source=PLATFORM.address)
    answers(service, path, with_creation(sent, creation(**honest)))  # type: ignore[arg-type]
    escrows.build_deploy(SINGLE, signer=PLATFORM)
    for changes in ({"deployer": BUYER.address}, {"wasm": b"e" * 32}, {"salt": b"s" * 32}):
        other = creation(**{**honest, **changes})  # type: ignore[arg-type]
        answers(service, path, with_creation(sent, other))
        refused(lambda: escrows.build_deploy(SINGLE, signer=PLATFORM))
    hidden = with_creation(Unsigned(fund_call()), creation(**honest))  # type: ignore[arg-type]
    answers(service, FUND, hidden)
    refused(lambda: escrows.build_fund(CONTRACT, SINGLE, signer=BUYER))


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


def test_long_texts_are_cut_and_the_cut_text_is_what_is_verified(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    long = replace(SINGLE, title="t" * 101, description="d" * 501)
    cut = replace(SINGLE, title="t" * 100, description="d" * 500)
    deployed(service, escrows, deploy_call(cut), long)
    assert b'"title":"' + b"t" * 100 + b'"' in service.seen[-1][3]
