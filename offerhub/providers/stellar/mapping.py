"""Horizon's records in our words. Pure; nothing here asks the network.

Amounts become stroops exactly. A record that cannot be read is a ValueError, never a guess.
Source: Stellar Docs, Horizon reference, "Operation object" and "Account object".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from offerhub.domain.errors import InvalidAmountFormat
from offerhub.domain.moments import moment_ms
from offerhub.domain.money import parse_exact
from offerhub.ports.chain import ChainAccount, Incoming, LedgerHead, Transfer

USDC_CODE: Final = "USDC"
XLM: Final = "XLM"
BASE_RESERVE_STROOPS: Final = 5_000_000
MEMO_REQUIRED_KEY: Final = "config.memo_required"
_MEMO_REQUIRED_YES: Final = "MQ=="  # base64 of "1" (SEP-29)
_PAYMENTS: Final = frozenset({"payment", "path_payment_strict_receive", "path_payment_strict_send"})

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Movement:
    """One asset reaching one place, whatever operation caused it."""

    change_index: int
    source: str
    destination: str
    amount: str
    asset: str


def usdc_asset(issuer: str) -> str:
    """The text by which movements name the configured asset."""
    return f"credit_alphanum4:{USDC_CODE}:{issuer}"


def text(record: Record, field: str) -> str:
    """A field that must be text. Raises: ValueError."""
    value = record.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"a Horizon record has no {field}")
    return value


def integer(record: Record, field: str) -> int:
    """A whole number, sent as a number or as text. Raises: ValueError."""
    value = record.get(field)
    if isinstance(value, str) or type(value) is int:
        return int(value)
    raise ValueError(f"a Horizon record has no number {field}")


def stroops(amount: object) -> int:
    """Raises: ValueError."""
    try:
        return parse_exact(amount if isinstance(amount, str) else "")
    except InvalidAmountFormat as exc:
        raise ValueError(f"{str(amount)[:40]!r} is not an amount of the network") from exc


def head(root: Record) -> LedgerHead:
    """Raises: ValueError."""
    return LedgerHead(
        sequence=integer(root, "history_latest_ledger"),
        closed_at_s=moment_ms(text(root, "history_latest_ledger_closed_at")) // 1000,
        oldest_sequence=integer(root, "history_elder_ledger"),
        passphrase=text(root, "network_passphrase"),
    )


def account(record: Record, *, usdc_issuer: str) -> ChainAccount:
    """What the account can spend and still take. Raises: ValueError.

    XLM is what may be spent: the balance less the reserve and what is promised in offers.
    """
    native: Record = {}
    line: Record | None = None
    for balance in record.get("balances") or ():
        if balance.get("asset_type") == "native":
            native = balance
        elif _asset(balance) == usdc_asset(usdc_issuer):
            line = balance
    data = record.get("data") or {}
    held, selling, room = _line(line)
    return ChainAccount(
        address=text(record, "account_id"),
        sequence=integer(record, "sequence"),
        xlm_stroops=max(0, _free_xlm(record, native)),
        has_trustline=line is not None,
        authorized=line is not None and line.get("is_authorized", True) is True,
        usdc_stroops=max(0, held - selling),
        usdc_room_stroops=max(0, room),
        memo_required=data.get(MEMO_REQUIRED_KEY) == _MEMO_REQUIRED_YES,
    )


def _line(line: Record | None) -> tuple[int, int, int]:
    if line is None:
        return 0, 0, 0
    held = stroops(line.get("balance"))
    selling = stroops(line.get("selling_liabilities", "0"))
    buying = stroops(line.get("buying_liabilities", "0"))
    return held, selling, stroops(line.get("limit")) - held - buying


def _free_xlm(record: Record, native: Record) -> int:
    entries = (
        2
        + int(record.get("subentry_count") or 0)
        + int(record.get("num_sponsoring") or 0)
        - int(record.get("num_sponsored") or 0)
    )
    balance = stroops(native.get("balance", "0"))
    return (
        balance - stroops(native.get("selling_liabilities", "0")) - entries * BASE_RESERVE_STROOPS
    )


def movements(operation: Record) -> Iterator[Movement]:
    """Everything that an operation of a payments list moved, in the order of its change index.

    For path payments the asset and amount are what the receiver got. A merged account's amount is
    not in its record: it is "0" here, and XLM.
    """
    kind = operation.get("type")
    if kind in _PAYMENTS:
        yield Movement(
            0,
            text(operation, "from"),
            text(operation, "to"),
            text(operation, "amount"),
            _asset(operation),
        )
    elif kind == "create_account":
        source, to = text(operation, "funder"), text(operation, "account")
        yield Movement(0, source, to, text(operation, "starting_balance"), XLM)
    elif kind == "account_merge":
        yield Movement(0, text(operation, "account"), text(operation, "into"), "0", XLM)
    elif kind == "invoke_host_function":
        for index, change in enumerate(operation.get("asset_balance_changes") or ()):
            # Mints come from the issuer and burns go back to it; Horizon leaves that side out.
            issuer = change.get("asset_issuer") or ""
            yield Movement(
                index,
                change.get("from") or issuer,
                change.get("to") or issuer,
                text(change, "amount"),
                _asset(change),
            )


def transfers(operations: list[Any], *, usdc_issuer: str) -> tuple[Transfer, ...]:
    """Every movement of the configured USDC in a transaction's operations. Raises: ValueError."""
    usdc = usdc_asset(usdc_issuer)
    return tuple(
        Transfer(
            operation_id=text(operation, "id"),
            change_index=moved.change_index,
            source=moved.source,
            destination=moved.destination,
            amount_stroops=stroops(moved.amount),
        )
        for operation in operations
        for moved in movements(operation)
        if moved.asset == usdc
    )


def incoming(operation: Record, *, address: str, usdc_issuer: str) -> Iterator[Incoming]:
    """What an operation brought to `address`. Raises: ValueError.

    Other movements of the same operation are not even parsed: a stranger's contract may move
    amounts that no account could hold, and that must not stop the reader.
    """
    yield from _seen_from(operation, address, usdc_issuer=usdc_issuer, leaving=False)


def outgoing(operation: Record, *, address: str, usdc_issuer: str) -> Iterator[Incoming]:
    """What an operation took from `address`. Raises: ValueError."""
    yield from _seen_from(operation, address, usdc_issuer=usdc_issuer, leaving=True)


def _seen_from(
    operation: Record, address: str, *, usdc_issuer: str, leaving: bool
) -> Iterator[Incoming]:
    if operation.get("transaction_successful") is not True:
        return
    usdc = usdc_asset(usdc_issuer)
    for moved in movements(operation):
        here, there = moved.destination, moved.source
        if leaving:
            here, there = there, here
        if here != address or there == address:
            continue
        yield Incoming(
            cursor=text(operation, "paging_token"),
            operation_id=text(operation, "id"),
            change_index=moved.change_index,
            transaction_hash=text(operation, "transaction_hash"),
            source=moved.source,
            destination=moved.destination,
            amount_stroops=stroops(moved.amount),
            usdc=moved.asset == usdc,
            asset=moved.asset.partition(":")[2] or moved.asset,
            kind=text(operation, "type"),
            memo=memo(operation.get("transaction") or {}),
            occurred_at_ms=moment_ms(text(operation, "created_at")),
        )


def _asset(record: Record) -> str:
    kind = record.get("asset_type")
    if kind == "native":
        return XLM
    return f"{kind}:{record.get('asset_code')}:{record.get('asset_issuer')}"


def memo(transaction: Record) -> str | None:
    """A transaction's memo as text, of whatever type; None when it has none."""
    if transaction.get("memo_type", "none") == "none":
        return None
    found = transaction.get("memo")
    return found if isinstance(found, str) and found else None
