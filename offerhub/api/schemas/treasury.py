"""The treasury as operators see it, and what they ask of it."""

from marshmallow import Schema, fields

from offerhub.api.schemas.envelopes import Body, Query
from offerhub.api.schemas.fields import (
    Amount,
    Choice,
    Text,
    shown_amount,
    shown_choice,
    shown_exact,
    shown_or_null,
    shown_text,
)
from offerhub.domain.money import MAX_BY_HAND_STROOPS


class SheetLine(Schema):
    account = shown_text()
    amount = shown_amount()
    amount_exact = shown_exact()


class AssetLine(SheetLine):
    place = shown_or_null(description="An address, a contract, or airtm.")


class BalanceSheet(Schema):
    assets = fields.List(fields.Nested(AssetLine), required=True)
    equity = fields.List(fields.Nested(SheetLine), required=True)
    assets_total = shown_amount()
    assets_total_exact = shown_exact()
    owed_to_users = shown_amount()
    owed_to_users_exact = shown_exact()
    equity_total = shown_amount()
    equity_total_exact = shown_exact()
    difference = shown_amount()
    difference_exact = shown_exact()
    pending_operations = fields.Integer(required=True)


class RailFunds(Schema):
    rail = shown_choice(("AIRTM", "STELLAR"))
    holds = shown_amount()
    holds_exact = shown_exact()
    spendable = shown_amount()
    spendable_exact = shown_exact()
    committed = shown_amount()
    committed_exact = shown_exact()
    shortage = shown_amount()
    shortage_exact = shown_exact()
    solvent = fields.Boolean(required=True)
    theirs = shown_amount(null=True)
    theirs_exact = shown_exact(null=True)


class XlmOfWallet(Schema):
    role = shown_text()
    address = shown_text()
    exists = fields.Boolean(required=True)
    spendable_xlm = shown_exact()
    needed_xlm = shown_exact()
    suffices = fields.Boolean(required=True)


class Solvency(Schema):
    solvent = fields.Boolean(required=True)
    shortage = shown_amount()
    shortage_exact = shown_exact()
    available = shown_amount()
    available_exact = shown_exact()
    reserved = shown_amount()
    reserved_exact = shown_exact()
    withdrawing = shown_amount()
    withdrawing_exact = shown_exact()
    in_escrow = shown_amount()
    in_escrow_exact = shown_exact()
    in_contracts = shown_amount()
    in_contracts_exact = shown_exact()
    in_wallets = shown_amount()
    in_wallets_exact = shown_exact()
    in_transit = shown_amount()
    in_transit_exact = shown_exact()
    rails = fields.List(fields.Nested(RailFunds), required=True)
    xlm = fields.List(fields.Nested(XlmOfWallet), required=True, allow_none=True)


class Treasury(BalanceSheet):
    solvency = fields.Nested(Solvency, required=True)


class TreasuryQuery(Query):
    ask = Choice(
        "true",
        "false",
        load_default="false",
        metadata={"description": "Also ask Airtm and the chain what they hold."},
    )


class MovementMade(Schema):
    reference = shown_text()
    transfer_id = shown_or_null()
    operation_id = shown_or_null()
    transit = shown_or_null(description="Under which id it is in transit, if it is.")


class TreasuryMoved(BalanceSheet):
    movement = fields.Nested(MovementMade, required=True)


class RecordMovement(Body):
    rail = Choice("AIRTM", "STELLAR", required=True)
    direction = Choice("IN", "OUT", required=True)
    amount = Amount(most_stroops=MAX_BY_HAND_STROOPS, required=True)
    reason = Text(most=500, required=True)
    reference = Text(most=200, required=True, metadata={"description": "Your own; used once."})
    destination = Text(
        most=100,
        allow_none=True,
        metadata={"description": "OUT of STELLAR: the address to be paid; starts an operation."},
    )
    memo = Text(most=28, allow_none=True)
    toward = Choice(
        "AIRTM", "STELLAR", allow_none=True,
        metadata={"description": "OUT: it goes to the other rail, and is in transit meanwhile."},
    )  # fmt: skip
    transit = Text(
        most=200,
        allow_none=True,
        metadata={"description": "IN: the id under which it was in transit."},
    )
