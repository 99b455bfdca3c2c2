"""Airtm's reason codes: what each refusal means for us. Pure.

The code decides, the HTTP status only where the code is unknown: Airtm documents no statuses.
Source: the reason codes of Airtm Enterprise API v2, versions 1.87 and 1.155.
"""

from collections.abc import Mapping
from typing import Any, Final

from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.providers.airtm.mapping import PROVIDER, code_text
from offerhub.providers.answers import Answer

PAYIN_CODE_EXISTS: Final = "415029"
PAYOUT_CODE_EXISTS: Final = "415056"
PAYOUT_ALREADY_PROCESSED: Final = "415027"
# The cancel came too late (or the payin or payout was canceled before).
TOO_LATE_TO_CANCEL: Final = frozenset({"415027", "415030", "415032", "415055"})
NOT_FOUND: Final = frozenset({"415005", "415031", "415039", "415059", "415902"})

_FAULT = "PROVIDER_ERROR"
_STATE = "INVALID_STATE"
_AMOUNT = "INVALID_AMOUNT"
_PAYER = "AIRTM_USER_INVALID"
_RECIPIENT = "WITHDRAWAL_DESTINATION_INVALID"

# Code -> our error. Those that exist already (415027, 415029, 415056) are looked up by the adapter
# first; what stands here is for a call that has nothing to look up.
REJECTED: Final[Mapping[str, str]] = {
    "415904": _FAULT,  # wrong key, secret or environment
    "415905": _FAULT,  # the account lacks the permission
    "415006": _FAULT,
    "415024": _FAULT,
    "415025": _FAULT,
    "415028": _FAULT,  # not an enterprise account
    "415901": _FAULT,  # from here to 415054: we sent something malformed
    "415903": _FAULT,
    "415906": _FAULT,
    "415054": _FAULT,
    "415902": _FAULT,  # not found
    "415005": _FAULT,
    "415031": _FAULT,
    "415039": _FAULT,
    "415029": _STATE,
    "415056": _STATE,
    "415027": _STATE,
    "415055": _STATE,
    "415030": _STATE,
    "415032": _STATE,
    "415034": "INSUFFICIENT_FUNDS",  # the payer's own balance
    "415035": _AMOUNT,
    "415057": _AMOUNT,
    "415058": _AMOUNT,
    "415053": _PAYER,  # people in the United States cannot pay in
    "415059": _RECIPIENT,  # not found
    "415008": _RECIPIENT,
    "415009": _RECIPIENT,
    "415010": _RECIPIENT,
    "415060": _RECIPIENT,
    "415061": _RECIPIENT,
    "415062": _RECIPIENT,
    "415064": _RECIPIENT,
    "415065": _RECIPIENT,
    "415103": _RECIPIENT,  # the account has no name
    "415912": _RECIPIENT,  # a reason of a status; as a refusal it names the recipient too
    "415073": _RECIPIENT,  # likewise
    "415011": _FAULT,  # from here to 415041: bulk pay-outs, which we do not use
    "415012": _FAULT,
    "415013": _FAULT,
    "415015": _FAULT,
    "415017": _FAULT,
    "415019": _FAULT,
    "415041": _FAULT,
    "415022": _FAULT,  # 415022, 415045, 415047: the enterprise's own bank and withdrawal accounts
    "415045": _FAULT,
    "415047": _FAULT,
    "415036": _FAULT,  # from here on: the enterprise account lacks a rail, a country or a wallet
    "415046": _FAULT,
    "415048": _FAULT,
    "415049": _FAULT,
    "415050": _FAULT,
    "415051": _FAULT,
}

# Our balance at Airtm is too low: no fault of the person who asked. Nothing happened and the same
# call works once the treasury is filled, so what waits for it must keep its hold.
TREASURY_LOW: Final = frozenset({"415014", "415016"})
# Airtm itself could not reach somebody, or does not know what happened.
UNCERTAIN: Final = frozenset({"415003", "415998", "415999"})

_LONGEST_CODE = 64
_LONGEST_MESSAGE = 300


class Missing(Rejected):
    """There is no such thing at Airtm."""


def judge(answer: Answer, changes: bool) -> ProviderFailure | None:
    """The failure that a refusal stands for; None for 429, which is the same everywhere.

    changes: whether the refused call could have had an effect.
    """
    code = _reason_code(answer.body)
    if code in UNCERTAIN:
        return _unclear(answer, changes, code)
    if code in TREASURY_LOW:
        told = f"{_told(answer, code)} (our own balance at Airtm is too low)"
        return Unavailable(told, provider=PROVIDER, code=code)
    if code is not None and code in REJECTED:
        kind = Missing if code in NOT_FOUND or answer.status == 404 else Rejected
        return kind(_told(answer, code), provider=PROVIDER, code=code, error_code=REJECTED[code])
    if answer.status == 429:
        return None
    # Every refusal of Airtm's has a code, so without one this is a gateway in front of it; and
    # a 404 with a word that is not Airtm's must not pass for "there is no such pay-out".
    if code is None or not _is_refusal(answer.status) or answer.status == 404:
        return _unclear(answer, changes, code)
    return Rejected(_told(answer, code), provider=PROVIDER, code=code)


def _reason_code(body: Any) -> str | None:
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None
    code = code_text(body.get("code"))
    return code if code is not None and len(code) <= _LONGEST_CODE else None


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 and status not in (408, 425)


def _unclear(answer: Answer, changes: bool, code: str | None) -> ProviderFailure:
    kind = OutcomeUnknown if changes else Unavailable
    return kind(
        _told(answer, code), provider=PROVIDER, code=code, retry_after_s=answer.retry_after_s
    )


def _told(answer: Answer, code: str | None) -> str:
    if code is None:
        return f"airtm answered {answer.status} without a reason code"
    return f"airtm answered {answer.status}, {code}: {answer.body['message'][:_LONGEST_MESSAGE]}"
