"""A deployment fixes who is paid and how much: other terms are never signed."""

from dataclasses import replace

import pytest
from stellar_sdk import Address, scval, xdr

from offerhub.ports.escrow import EscrowTerms, MilestoneTerms
from offerhub.providers import transactions
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.sandbox.trustless_work.contracts import WASM_HASHES
from offerhub.sandbox.trustless_work.escrow import Milestone
from tests.providers.scripted_server import Script
from tests.providers.trustlesswork.desk import FUND, adapter, answers, deployed, refused
from tests.providers.trustlesswork.forged import (
    BUYER,
    CONTRACT,
    MULTI,
    OTHER_CONTRACT,
    PASSPHRASE,
    PLATFORM,
    SINGLE,
    THIEF,
    Authorized,
    Unsigned,
    deploy_call,
    fund_call,
    stored,
)


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


def test_long_texts_are_cut_and_the_cut_text_is_what_is_verified(
    service: Script, escrows: TrustlessWorkEscrows
) -> None:
    long = replace(SINGLE, title="t" * 101, description="d" * 501)
    cut = replace(SINGLE, title="t" * 100, description="d" * 500)
    deployed(service, escrows, deploy_call(cut), long)
    assert b'"title":"' + b"t" * 100 + b'"' in service.seen[-1][3]
