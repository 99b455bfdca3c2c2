"""`ports.payments.Payments` over Airtm: which call to make when, and what its answer proves.

Idempotency is by `code`: Airtm refuses a second create with the same code, and then what exists is
looked up, compared and returned. Once a call may have had an effect, no later failure (of a
re-read, or of our own limit) is reported as "nothing happened".
Not here: waiting, repeating, and the look-ups after an unknown outcome; the caller owns those.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.ports.limits import OutboundLimiter
from offerhub.ports.payments import (
    EnterpriseBalance,
    Payin,
    PayinListing,
    PayinStatus,
    PaymentAccount,
    Payout,
    PayoutListing,
    PayoutStatus,
    ReturnedPayout,
)
from offerhub.providers.airtm import lists, mapping, reasons
from offerhub.providers.airtm.client import AirtmClient
from offerhub.providers.airtm.mapping import PROVIDER, Unreadable
from offerhub.providers.http import HttpClient

_LONGEST_DESCRIPTION: Final = 250
_LONGEST_NOTE: Final = 255

_Record = TypeVar("_Record")
# While a pay-out is in one of these, nobody has been paid and nobody will be without a commit.
_UNPAID: Final = frozenset({PayoutStatus.CREATED, PayoutStatus.FAILED, PayoutStatus.CANCELED})


class AirtmPayments:
    """Implements `ports.payments.Payments`.

    http: a client whose judge is `reasons.judge`.
    checkout_url_template: the address of Airtm's checkout page, with `{id}` for the pay-in's id.
    Raises besides the port's failures: ValueError for an amount that is not a positive whole number
    of cents, or a code outside `[A-Za-z0-9_-]{1,64}`; nothing is sent then.
    """

    def __init__(
        self, *, http: HttpClient, limiter: OutboundLimiter, checkout_url_template: str
    ) -> None:
        if checkout_url_template.count("{id}") != 1 or not checkout_url_template.startswith(
            ("https://", "http://")
        ):
            raise ValueError("the checkout URL template is an http(s) address with one {id}")
        self._client = AirtmClient(http=http, limiter=limiter)
        self._checkout_url_template = checkout_url_template

    def create_payin(
        self,
        *,
        code: str,
        amount_stroops: int,
        description: str,
        confirmed_url: str,
        canceled_url: str,
    ) -> Payin:
        """See the port. A description longer than Airtm's 250 characters is cut.

        Rejected if the code was used for another amount.
        """
        amount = mapping.cents_number(amount_stroops)
        mapping.check_code(code)
        try:
            body = self._client.create_payin(
                code=code,
                amount=amount,
                description=description[:_LONGEST_DESCRIPTION],
                confirmation_uri=confirmed_url,
                cancel_uri=canceled_url,
            )
        except Rejected as refusal:
            if refusal.code != reasons.PAYIN_CODE_EXISTS:
                raise
            with _effect_is_certain(refusal):
                payin = _found(self.find_payin(code), refusal)
            if payin.amount_stroops != amount_stroops:
                raise _used_for_another(code, "amount", refusal) from refusal
            return payin
        payin = _read(self._payin, body, changes=True)
        if (payin.code, payin.amount_stroops) != (code, amount_stroops):
            raise _answer_to_another(code)
        return payin

    def find_payin(self, code: str) -> Payin | None:
        """By our code. None: Airtm says that there is none (it may still be on its way)."""
        try:
            payin = _read(self._payin, self._client.payin_by_code(code), changes=False)
        except reasons.Missing:
            return None
        return _same_code(payin, payin.code, code)

    def cancel_payin(self, provider_id: str) -> Payin:
        """Cancel, or confirm that it is canceled. Rejected (INVALID_STATE) when it is too late."""
        try:
            body = self._client.cancel_payin(provider_id)
        except Rejected as refusal:
            payin = self._after_late_cancel(
                refusal, lambda: self._payin(self._client.payin(provider_id))
            )
            if payin.status is not PayinStatus.CANCELED:
                raise _too_late(payin.code, payin.raw_status, refusal) from refusal
            return payin
        return _read(self._payin, body, changes=True)

    def create_payout(
        self, *, code: str, amount_stroops: int, recipient_email: str, note: str
    ) -> Payout:
        """See the port. A note longer than 255 characters is cut.

        Rejected if the code was used for another amount or recipient and nothing was paid;
        OutcomeUnknown if it may have been paid.
        """
        amount = mapping.cents_number(amount_stroops)
        mapping.check_code(code)
        try:
            body = self._client.create_payout(
                code=code, amount=amount, email=recipient_email, notes=note[:_LONGEST_NOTE]
            )
        except Rejected as refusal:
            if refusal.code != reasons.PAYOUT_CODE_EXISTS:
                raise
            return self._repeated_payout(code, amount_stroops, recipient_email, refusal)
        payout = _read(mapping.read_payout, body, changes=True)
        if (payout.code, payout.amount_stroops) != (code, amount_stroops):
            raise _answer_to_another(code)
        return payout

    def commit_payout(self, provider_id: str) -> Payout:
        """Commit and read the pay-out again, for the commit's own answer says nothing."""
        try:
            self._client.commit_payout(provider_id)
        except Rejected as refusal:
            if refusal.code != reasons.PAYOUT_ALREADY_PROCESSED:
                raise
        with _effect_is_certain():
            return _read(mapping.read_payout, self._client.payout(provider_id), changes=False)

    def find_payout(self, code: str) -> Payout | None:
        """By our code. None: Airtm says that there is none (it may still be on its way)."""
        try:
            payout = _read(mapping.read_payout, self._client.payout_by_code(code), changes=False)
        except reasons.Missing:
            return None
        return _same_code(payout, payout.code, code)

    def cancel_payout(self, provider_id: str) -> Payout:
        """Cancel, or confirm that it is canceled. Rejected (INVALID_STATE) when it is too late."""
        try:
            body = self._client.cancel_payout(provider_id)
        except Rejected as refusal:
            payout = self._after_late_cancel(
                refusal, lambda: mapping.read_payout(self._client.payout(provider_id))
            )
            if payout.status is not PayoutStatus.CANCELED:
                raise _too_late(payout.code, payout.raw_status, refusal) from refusal
            return payout
        return _read(mapping.read_payout, body, changes=True)

    def find_account(self, email: str) -> PaymentAccount | None:
        """Whoever has this address, primary or secondary."""
        try:
            return _read(mapping.read_account, self._client.user(email), changes=False)
        except reasons.Missing:
            return None

    def returned_payouts(self) -> tuple[ReturnedPayout, ...]:
        """Deposits of the type `refunded`, over all pages: their order is not documented."""
        pages = self._client.deposit_pages()
        found = (one for page in pages for one in _read(mapping.read_returns, page, changes=False))
        return tuple({one.provider_id: one for one in found}.values())

    def payins(self) -> PayinListing:
        return PayinListing(*lists.all_of(self._client.pages("/payins"), self._payin))

    def payouts(self) -> PayoutListing:
        """Those too that were made without a code of ours."""
        pages = self._client.pages("/payouts")
        return PayoutListing(*lists.all_of(pages, mapping.read_listed_payout))

    def enterprise_balance(self) -> EnterpriseBalance:
        """Our own balance at Airtm; it knows none of a user's."""
        return _read(mapping.read_balance, self._client.balance(), changes=False)

    def ping(self) -> None:
        """`GET /me`: cheap, and needs valid credentials."""
        _read(mapping.read_enterprise_id, self._client.me(), changes=False)

    def _payin(self, body: Any) -> Payin:
        return mapping.read_payin(body, checkout_url_template=self._checkout_url_template)

    def _repeated_payout(
        self, code: str, amount_stroops: int, recipient_email: str, refusal: Rejected
    ) -> Payout:
        """What the first create made, if it is what was asked for now."""
        with _effect_is_certain(refusal):
            payout = _found(self.find_payout(code), refusal)
            same_recipient = (
                payout.recipient_email.casefold() == recipient_email.casefold()
                # One person may have several addresses, and Airtm may name another than we did.
                or self._account_id(payout.recipient_email) == self._account_id(recipient_email)
            )
        if payout.amount_stroops == amount_stroops and same_recipient:
            return payout
        mismatch = _used_for_another(code, "amount" if same_recipient else "recipient", refusal)
        if payout.status in _UNPAID:
            raise mismatch from refusal
        # Paid or about to be: to call this a refusal would give the money back a second time.
        raise OutcomeUnknown(
            f"{mismatch.message}, and it is {payout.raw_status}",
            provider=PROVIDER,
            code=refusal.code,
        ) from refusal

    def _account_id(self, email: str) -> str:
        account = self.find_account(email)
        return account.provider_id if account else f"nobody at {email}"

    def _after_late_cancel(self, refusal: Rejected, read_again: Callable[[], _Record]) -> _Record:
        """What is there after a refused cancel. A refusal for another reason is raised again."""
        if refusal.code not in reasons.TOO_LATE_TO_CANCEL:
            raise refusal
        try:
            return read_again()
        except (ProviderFailure, Unreadable):
            raise refusal from None


def _read(reader: Callable[[Any], _Record], body: Any, *, changes: bool) -> _Record:
    try:
        return reader(body)
    except Unreadable as error:
        kind = OutcomeUnknown if changes else Unavailable
        raise kind(f"airtm gave an unreadable answer: {error}", provider=PROVIDER) from error


@contextmanager
def _effect_is_certain(refusal: Rejected | None = None) -> Iterator[None]:
    """Inside, every failure means: it exists at Airtm, we just could not see it. Ask again."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except ProviderFailure as failure:
        raise OutcomeUnknown(
            f"done, but not seen: {failure.message}",
            provider=PROVIDER,
            code=refusal.code if refusal else failure.code,
            retry_after_s=failure.retry_after_s,
        ) from failure


def _found(record: _Record | None, refusal: Rejected) -> _Record:
    if record is None:
        raise OutcomeUnknown(
            "airtm says that the code exists, yet does not find it",
            provider=PROVIDER,
            code=refusal.code,
        )
    return record


def _same_code(record: _Record, found: str, asked: str) -> _Record:
    if found != asked:
        raise Unavailable(f"airtm answered about another code than {asked}", provider=PROVIDER)
    return record


def _used_for_another(code: str, what: str, refusal: Rejected) -> Rejected:
    return Rejected(
        f"the code {code} was used at airtm before, for another {what}",
        provider=PROVIDER,
        code=refusal.code,
    )


def _answer_to_another(code: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"airtm's answer to {code} has another code or amount; look it up", provider=PROVIDER
    )


def _too_late(code: str, raw_status: str, refusal: Rejected) -> Rejected:
    return Rejected(
        f"{code} cannot be canceled any more: it is {raw_status} at airtm",
        provider=PROVIDER,
        code=refusal.code,
        error_code="INVALID_STATE",
    )
