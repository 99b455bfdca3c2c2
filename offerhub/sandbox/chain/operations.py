"""Operations on accounts: creation, trustlines, data, sponsorship, merging.

Each function checks an operation against the state, applies it and returns its Effect, or raises
OperationFailed with the result code of the protocol. Payments are in `payments`.
"""

from __future__ import annotations

from stellar_sdk import Asset, MuxedAccount, xdr
from stellar_sdk.operation import (
    AccountMerge,
    BeginSponsoringFutureReserves,
    ChangeTrust,
    CreateAccount,
    EndSponsoringFutureReserves,
    ManageData,
)

from offerhub.sandbox.chain.amounts import (
    NATIVE,
    asset_fields,
    asset_key,
    issuer_of,
    to_stroops,
    to_text,
)
from offerhub.sandbox.chain.effects import Context, Effect, Transfer, muxed_fields
from offerhub.sandbox.chain.results import OpCode, OperationFailed
from offerhub.sandbox.chain.state import BASE_RESERVE_STROOPS

_Create = xdr.CreateAccountResultCode
_Trust = xdr.ChangeTrustResultCode
_Merge = xdr.AccountMergeResultCode
_Begin = xdr.BeginSponsoringFutureReservesResultCode
_End = xdr.EndSponsoringFutureReservesResultCode
_Data = xdr.ManageDataResultCode

MAX_SUBENTRIES = 1000


def create_account(context: Context, operation: CreateAccount) -> Effect:
    """Open `destination` with XLM from the source; a sponsored one may start with 0."""
    state = context.state
    amount = to_stroops(operation.starting_balance)
    destination = operation.destination
    if amount < 0 or destination == context.source:
        raise OperationFailed(_Create.CREATE_ACCOUNT_MALFORMED)
    if state.account(destination) is not None:
        raise OperationFailed(_Create.CREATE_ACCOUNT_ALREADY_EXIST)
    sponsor = context.sponsorships.get(destination)
    if sponsor is None and amount < 2 * BASE_RESERVE_STROOPS:
        raise OperationFailed(_Create.CREATE_ACCOUNT_LOW_RESERVE)
    if sponsor is not None and _spendable(context, sponsor) < 2 * BASE_RESERVE_STROOPS:
        raise OperationFailed(_Create.CREATE_ACCOUNT_LOW_RESERVE)
    if _spendable(context, context.source) < amount:
        raise OperationFailed(_Create.CREATE_ACCOUNT_UNDERFUNDED)
    state.change(context.source, balance=-amount)
    state.create_account(destination, balance=amount)
    if sponsor is not None:
        state.set_sponsor(destination, sponsor)
        state.change(destination, sponsored=2)
        state.change(sponsor, sponsoring=2)
    return Effect(
        {
            "starting_balance": to_text(amount),
            "funder": context.source,
            "account": destination,
        },
        transfers=[Transfer(NATIVE, context.source, destination, amount)],
        participants={destination},
        is_payment=True,
    )


def change_trust(context: Context, operation: ChangeTrust) -> Effect:
    """Open, resize or (limit 0) remove a trustline of the source."""
    state, source = context.state, context.source
    if not isinstance(operation.asset, Asset) or operation.asset.is_native():
        raise OperationFailed(_Trust.CHANGE_TRUST_MALFORMED)
    asset, limit = asset_key(operation.asset), to_stroops(operation.limit)
    issuer = str(issuer_of(asset))
    if limit < 0:
        raise OperationFailed(_Trust.CHANGE_TRUST_MALFORMED)
    if issuer == source:
        raise OperationFailed(_Trust.CHANGE_TRUST_SELF_NOT_ALLOWED)
    line = state.trustline(source, asset)
    if limit == 0:
        _remove_trustline(context, asset)
    elif line is not None:
        if limit < line.balance:
            raise OperationFailed(_Trust.CHANGE_TRUST_INVALID_LIMIT)
        state.put_trustline(source, asset, limit=limit)
    else:
        if state.account(issuer) is None:
            raise OperationFailed(_Trust.CHANGE_TRUST_NO_ISSUER)
        sponsor = _take_subentry(context, low_reserve=_Trust.CHANGE_TRUST_LOW_RESERVE)
        state.put_trustline(source, asset, limit=limit, sponsor=sponsor)
    return Effect(
        {
            **asset_fields(asset),
            "limit": to_text(limit),
            "trustee": issuer,
            "trustor": source,
        },
        participants={issuer} if state.account(issuer) else set(),
    )


def _remove_trustline(context: Context, asset: str) -> None:
    state = context.state
    line = state.trustline(context.source, asset)
    if line is None:
        raise OperationFailed(_Trust.CHANGE_TRUST_TRUST_LINE_MISSING)
    if line.balance:
        raise OperationFailed(_Trust.CHANGE_TRUST_INVALID_LIMIT)
    state.delete_trustline(context.source, asset)
    state.change(context.source, subentries=-1)
    if line.sponsor:
        state.change(context.source, sponsored=-1)
        state.change(line.sponsor, sponsoring=-1)


def _take_subentry(context: Context, *, low_reserve: xdr.ChangeTrustResultCode) -> str | None:
    """Count one more subentry of the source, on its sponsor's reserve when there is one."""
    state, source = context.state, context.source
    account = state.account(source)
    if account is not None and account.subentries >= MAX_SUBENTRIES:
        raise OperationFailed(OpCode.opTOO_MANY_SUBENTRIES)
    sponsor = context.sponsorships.get(source)
    if _spendable(context, sponsor or source) < BASE_RESERVE_STROOPS:
        raise OperationFailed(low_reserve)
    state.change(source, subentries=1)
    if sponsor is not None:
        state.change(source, sponsored=1)
        state.change(sponsor, sponsoring=1)
    return sponsor


def account_merge(context: Context, operation: AccountMerge) -> Effect:
    """Close the source and give its XLM to the destination."""
    state, source = context.state, context.source
    into: MuxedAccount = operation.destination
    account = state.account(source)
    if into.account_id == source or account is None:
        raise OperationFailed(_Merge.ACCOUNT_MERGE_MALFORMED)
    if state.account(into.account_id) is None:
        raise OperationFailed(_Merge.ACCOUNT_MERGE_NO_ACCOUNT)
    if account.subentries:
        raise OperationFailed(_Merge.ACCOUNT_MERGE_HAS_SUB_ENTRIES)
    if account.sequence >= (state.ledger << 32):
        raise OperationFailed(_Merge.ACCOUNT_MERGE_SEQNUM_TOO_FAR)
    if account.sponsoring:
        raise OperationFailed(_Merge.ACCOUNT_MERGE_IS_SPONSOR)
    if account.sponsor:
        state.change(account.sponsor, sponsoring=-2)
    state.credit(into.account_id, NATIVE, account.balance)
    state.delete_account(source)
    return Effect(
        {"account": source, **muxed_fields("into", into)},
        transfers=[Transfer(NATIVE, source, into.account_id, account.balance)],
        participants={into.account_id},
        is_payment=True,
        value=xdr.Int64(account.balance),
    )


def begin_sponsoring(context: Context, operation: BeginSponsoringFutureReserves) -> Effect:
    """From here on the source pays the reserves of entries that `sponsored_id` creates."""
    sponsored = operation.sponsored_id
    if sponsored == context.source:
        raise OperationFailed(_Begin.BEGIN_SPONSORING_FUTURE_RESERVES_MALFORMED)
    if sponsored in context.sponsorships:
        raise OperationFailed(_Begin.BEGIN_SPONSORING_FUTURE_RESERVES_ALREADY_SPONSORED)
    recursive = context.source in context.sponsorships
    if recursive or sponsored in context.sponsorships.values():
        raise OperationFailed(_Begin.BEGIN_SPONSORING_FUTURE_RESERVES_RECURSIVE)
    context.sponsorships[sponsored] = context.source
    return Effect({"sponsored_id": sponsored}, participants={sponsored})


def end_sponsoring(context: Context, operation: EndSponsoringFutureReserves) -> Effect:
    """Close the sponsorship that was opened for the source."""
    sponsor = context.sponsorships.pop(context.source, None)
    if sponsor is None:
        raise OperationFailed(_End.END_SPONSORING_FUTURE_RESERVES_NOT_SPONSORED)
    return Effect({"begin_sponsor": sponsor}, participants={sponsor})


def manage_data(context: Context, operation: ManageData) -> Effect:
    """Set or (value None) delete a data entry of the source."""
    state, source, name = context.state, context.source, operation.data_name
    exists = name in state.data(source)
    if operation.data_value is None:
        if not exists:
            raise OperationFailed(_Data.MANAGE_DATA_NAME_NOT_FOUND)
        state.delete_data(source, name)
        state.change(source, subentries=-1)
        return Effect({"name": name, "value": None})
    if not exists:
        if _spendable(context, source) < BASE_RESERVE_STROOPS:
            raise OperationFailed(_Data.MANAGE_DATA_LOW_RESERVE)
        state.change(source, subentries=1)
    state.put_data(source, name, operation.data_value)
    return Effect({"name": name, "value": xdr.DataValue(operation.data_value).to_xdr()})


def _spendable(context: Context, address: str) -> int:
    account = context.state.account(address)
    return account.spendable_stroops if account else 0
