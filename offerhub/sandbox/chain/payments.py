"""Payments, and path payments against the one market that the sandbox has.

The market is the issuer itself: it sells and buys USDC for XLM at a fixed price, so a path
payment from one to the other always finds an offer. Same-asset paths are plain transfers.
"""

from __future__ import annotations

from typing import Any

from stellar_sdk import Keypair, xdr
from stellar_sdk.operation import PathPaymentStrictReceive, PathPaymentStrictSend, Payment

from offerhub.sandbox.chain.amounts import (
    NATIVE,
    asset_fields,
    asset_key,
    issuer_of,
    to_stroops,
    to_text,
)
from offerhub.sandbox.chain.effects import Context, Effect, Transfer, muxed_fields
from offerhub.sandbox.chain.results import OperationFailed
from offerhub.sandbox.chain.state import HoldingProblem

XLM_PER_UNIT = 10
"""The market's price: this many XLM for one unit of an issued asset."""

_SENDER_CODES = {
    "underfunded": "UNDERFUNDED",
    "no_trust": "SRC_NO_TRUST",
    "not_authorized": "SRC_NOT_AUTHORIZED",
    "no_account": "UNDERFUNDED",
}
_RECIPIENT_CODES = {
    "no_account": "NO_DESTINATION",
    "no_trust": "NO_TRUST",
    "not_authorized": "NOT_AUTHORIZED",
    "line_full": "LINE_FULL",
}


def payment(context: Context, operation: Payment) -> Effect:
    """Move one asset from the source to the destination."""
    asset, amount = asset_key(operation.asset), to_stroops(operation.amount)
    recipient = operation.destination.account_id
    if amount <= 0:
        raise OperationFailed(xdr.PaymentResultCode.PAYMENT_MALFORMED)
    _move(context, xdr.PaymentResultCode, recipient, (asset, amount), (asset, amount))
    return Effect(
        {
            **asset_fields(asset),
            "from": context.source,
            **muxed_fields("to", operation.destination),
            "amount": to_text(amount),
        },
        transfers=[Transfer(asset, context.source, recipient, amount)],
        participants={recipient},
        is_payment=True,
    )


def path_payment_receive(context: Context, operation: PathPaymentStrictReceive) -> Effect:
    """Deliver exactly `dest_amount`, paying at most `send_max`."""
    codes = xdr.PathPaymentStrictReceiveResultCode
    dest = asset_key(operation.dest_asset)
    dest_amount = to_stroops(operation.dest_amount)
    send, send_max = asset_key(operation.send_asset), to_stroops(operation.send_max)
    if dest_amount <= 0 or send_max <= 0:
        raise OperationFailed(codes.PATH_PAYMENT_STRICT_RECEIVE_MALFORMED)
    pair = (send, dest)
    if send == dest:
        send_amount = dest_amount
    elif pair == (NATIVE, context.market_asset):
        send_amount = dest_amount * XLM_PER_UNIT
    elif pair == (context.market_asset, NATIVE):
        send_amount = -(-dest_amount // XLM_PER_UNIT)
    else:
        raise OperationFailed(codes.PATH_PAYMENT_STRICT_RECEIVE_TOO_FEW_OFFERS)
    if send_amount > send_max:
        raise OperationFailed(codes.PATH_PAYMENT_STRICT_RECEIVE_OVER_SENDMAX)
    bound = {"source_max": to_text(send_max)}
    return _deliver(context, codes, operation, (send, send_amount), (dest, dest_amount), bound)


def path_payment_send(context: Context, operation: PathPaymentStrictSend) -> Effect:
    """Spend exactly `send_amount`, delivering at least `dest_min`."""
    codes = xdr.PathPaymentStrictSendResultCode
    dest, dest_min = asset_key(operation.dest_asset), to_stroops(operation.dest_min)
    send, send_amount = asset_key(operation.send_asset), to_stroops(operation.send_amount)
    if dest_min <= 0 or send_amount <= 0:
        raise OperationFailed(codes.PATH_PAYMENT_STRICT_SEND_MALFORMED)
    pair = (send, dest)
    if send == dest:
        dest_amount = send_amount
    elif pair == (NATIVE, context.market_asset):
        dest_amount = send_amount // XLM_PER_UNIT
    elif pair == (context.market_asset, NATIVE):
        dest_amount = send_amount * XLM_PER_UNIT
    else:
        raise OperationFailed(codes.PATH_PAYMENT_STRICT_SEND_TOO_FEW_OFFERS)
    if dest_amount < dest_min:
        raise OperationFailed(codes.PATH_PAYMENT_STRICT_SEND_UNDER_DESTMIN)
    bound = {"destination_min": to_text(dest_min)}
    return _deliver(context, codes, operation, (send, send_amount), (dest, dest_amount), bound)


def _deliver(
    context: Context,
    codes: Any,
    operation: PathPaymentStrictReceive | PathPaymentStrictSend,
    sent: tuple[str, int],
    received: tuple[str, int],
    bound: dict[str, str],
) -> Effect:
    """Move the money of a path payment and describe it as Horizon does."""
    destination = operation.destination
    recipient = destination.account_id
    _move(context, codes, recipient, sent, received)
    path = [asset_key(one) for one in operation.path]
    last = xdr.SimplePaymentResult(
        Keypair.from_public_key(recipient).xdr_account_id(),
        operation.dest_asset.to_xdr_object(),
        xdr.Int64(received[1]),
    )
    success = (
        xdr.PathPaymentStrictReceiveResultSuccess([], last)
        if isinstance(operation, PathPaymentStrictReceive)
        else xdr.PathPaymentStrictSendResultSuccess([], last)
    )
    return Effect(
        {
            **asset_fields(received[0]),
            "from": context.source,
            **muxed_fields("to", destination),
            "amount": to_text(received[1]),
            "path": [asset_fields(key) for key in path],
            "source_amount": to_text(sent[1]),
            **asset_fields(sent[0], prefix="source_"),
            **bound,
        },
        transfers=[Transfer(received[0], context.source, recipient, received[1])],
        participants={recipient},
        is_payment=True,
        value=success,
    )


def _move(
    context: Context,
    codes: Any,
    recipient: str,
    sent: tuple[str, int],
    received: tuple[str, int],
) -> None:
    """Debit the source and credit the recipient; the issuer takes the difference of assets."""
    state = context.state
    prefix = next(iter(codes)).name.removesuffix("SUCCESS")
    if state.account(recipient) is None:
        raise OperationFailed(codes[prefix + "NO_DESTINATION"])
    try:
        state.debit(context.source, *sent)
    except HoldingProblem as problem:
        raise OperationFailed(codes[prefix + _SENDER_CODES[problem.kind]]) from problem
    if sent[0] != received[0]:
        market = str(issuer_of(sent[0]) or issuer_of(received[0]))
        try:
            state.credit(market, *sent)
            state.debit(market, *received)
        except HoldingProblem as problem:
            raise OperationFailed(codes[prefix + "TOO_FEW_OFFERS"]) from problem
    try:
        state.credit(recipient, *received)
    except HoldingProblem as problem:
        raise OperationFailed(codes[prefix + _RECIPIENT_CODES[problem.kind]]) from problem
