"""The platform's own accounts: the enterprise balance at Airtm, and its wallets on chain.

Both move all the time in a busy deployment. So what is known to have happened there and is not in
the books yet explains a difference (pay-ins that Airtm shows as paid, transactions in flight that
have applied), and only what it does not explain, look after look, is one.
"""

from collections.abc import Callable

from offerhub.domain.differences import Difference
from offerhub.ledger import accounts, journal
from offerhub.ports.errors import ProviderFailure
from offerhub.ports.payments import PayinStatus, PayoutStatus
from offerhub.services import deposits
from offerhub.services.comparing import history, lagging
from offerhub.services.comparing.findings import Found, Section
from offerhub.services.context import Context
from offerhub.services.xlm import platform_xlm
from offerhub.store import comparisons
from offerhub.store.database import atomic, snapshot

LOOKS = 4
STILL_LOOKS = 2  # enough, when nothing moved in between
_PAID = "withdrawal_paid"
_CREDITED = "topup_credited"
_HELD = "topup_held"

Look = Callable[[Context], tuple[int, int]]


def compare_airtm(ctx: Context) -> Section:
    """Not inside a transaction."""
    section = Section("treasury at Airtm", total=1)
    _settle(ctx, section, account=accounts.AIRTM_TREASURY, place="airtm", look=_airtm)
    return section


def compare_stellar(ctx: Context) -> Section:
    """The platform's three wallets. Not inside a transaction; posts deposits that it comes upon."""
    section = Section("treasury on chain", total=1)
    address = ctx.app.platform_keys.treasury.address
    _settle(ctx, section, account=accounts.STELLAR_TREASURY, place=address, look=_stellar)
    if section.found:
        _explain_stellar(ctx, section, address)
    try:
        for wallet in platform_xlm(ctx):
            section.total += 1
            section.checked += 1
            if not wallet.exists or wallet.is_short:
                section.found.append(
                    Found(
                        Difference.XLM_LOW if wallet.exists else Difference.WALLET_MISSING,
                        "platform_wallet", wallet.role, wallet.address,
                        ours=wallet.needed_stroops, theirs=wallet.spendable_stroops,
                    )
                )  # fmt: skip
    except ProviderFailure as failure:
        section.failed("XLM of the platform's wallets", failure)
    return section


def _settle(ctx: Context, section: Section, *, account: str, place: str, look: Look) -> None:
    """Look until it agrees, or until the same difference was there often enough."""
    seen: list[tuple[int, int]] = []
    try:
        for _ in range(LOOKS):
            ours, theirs = look(ctx)
            if ours == theirs:
                section.checked += 1
                return
            seen.append((ours, theirs))
            if len(seen) >= STILL_LOOKS and seen[-1] == seen[-2]:
                break
    except ProviderFailure as failure:
        section.failed(account, failure)
        return
    gaps = {theirs - ours for ours, theirs in seen}
    still = seen[-1] == seen[-2]
    ours, theirs = seen[-1]
    if (not still and len(gaps) > 1) or lagging.held_lately(ctx, account, theirs):
        section.moving += 1
        return
    section.checked += 1
    section.found.append(
        Found(
            Difference.ASSET_BALANCE, "account", account, place, ours=ours, theirs=theirs,
            detail={"account": account},
        )
    )  # fmt: skip


def _airtm(ctx: Context) -> tuple[int, int]:
    """Ours, with what Airtm shows as done and we have not posted yet, and theirs."""
    payins, payouts = ctx.app.payments.payins(), ctx.app.payments.payouts()
    balance = ctx.app.payments.enterprise_balance()
    with snapshot():
        ours = journal.balance(accounts.AIRTM_TREASURY)
        credited = comparisons.posted(_CREDITED) | comparisons.posted(_HELD)
        paid = comparisons.posted(_PAID)
        topups, withdrawals = comparisons.topups_by_id(), comparisons.payouts_by_id()
    ours += sum(
        one.net_stroops
        for one in payins.items
        if one.status is PayinStatus.SUCCEEDED and one.code in topups and one.code not in credited
    )
    ours -= sum(
        one.amount_stroops
        for one in payouts.items
        if one.status is PayoutStatus.COMPLETED and one.code in withdrawals and one.code not in paid
    )
    return ours, balance.available_stroops + balance.pending_stroops


def _stellar(ctx: Context) -> tuple[int, int]:
    """Ours, with what transactions in flight have moved already, and theirs."""
    while deposits.read_treasury(ctx):
        pass
    address = ctx.app.platform_keys.treasury.address
    account = ctx.app.chain.account(address)
    with atomic():
        ours = journal.balance(accounts.STELLAR_TREASURY)
        in_flight = comparisons.transactions_under_way()
    for hash_ in in_flight:
        outcome = ctx.app.chain.transaction(hash_)
        if outcome is not None and outcome.successful:
            ours += sum(
                (one.destination == address) * one.amount_stroops
                - (one.source == address) * one.amount_stroops
                for one in outcome.transfers
            )
    return ours, account.usdc_stroops if account else 0


def _explain_stellar(ctx: Context, section: Section, address: str) -> None:
    """Payments that we did not make; the balance stays a difference if something else is left."""
    try:
        strange = history.strange_payments(ctx, address, user_id=None)
    except ProviderFailure as failure:
        section.failed("history of the treasury's wallet", failure)
        return
    gap = section.found[-1]
    if (gap.theirs or 0) - (gap.ours or 0) + sum(one.theirs or 0 for one in strange) == 0:
        section.found.pop()
    section.found += strange
