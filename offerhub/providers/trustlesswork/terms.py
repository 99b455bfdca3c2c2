"""An escrow's terms as Trustless Work takes them, and as the contract keeps them. Pure.

The API speaks decimal USDC and percent; the contract stroops and basis points.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from offerhub.domain.money import to_decimal
from offerhub.ports.escrow import EscrowTerms, MilestoneTerms, Share
from offerhub.providers.trustlesswork import arguments as a

MAX_TITLE: Final = 100
MAX_DESCRIPTION: Final = 500
MAX_MILESTONES: Final = 10


def fitted(terms: EscrowTerms) -> EscrowTerms:
    """The same terms with texts cut to what the service takes; money and people are untouched.

    Raises: ValueError for terms that no contract would take.
    """
    if not 1 <= len(terms.milestones) <= MAX_MILESTONES:
        raise ValueError(f"an escrow has 1 to {MAX_MILESTONES} milestones")
    if terms.amount_stroops <= 0:
        raise ValueError("an escrow's amount is above zero")
    if terms.multi_release:
        amounts = [milestone.amount_stroops for milestone in terms.milestones]
        if min(amounts) <= 0 or sum(amounts) != terms.amount_stroops:
            raise ValueError("milestone amounts are above zero and add up to the escrow's amount")
    title = terms.title[:MAX_TITLE] or terms.order_id
    return replace(
        terms,
        title=title,
        description=terms.description[:MAX_DESCRIPTION] or title,
        milestones=tuple(
            replace(one, description=one.description[:MAX_DESCRIPTION] or title)
            for one in terms.milestones
        ),
    )


def deploy_body(terms: EscrowTerms, *, signer: str, usdc_issuer: str) -> dict[str, Any]:
    """The body of a deployment; `terms` are fitted. The fee is in percent, amounts in USDC."""
    roles = {
        "approver": terms.buyer,
        "serviceProvider": terms.seller,
        "platformAddress": terms.platform,
        "releaseSigner": terms.release_signer,
        "disputeResolver": terms.dispute_resolver,
    }
    body: dict[str, Any] = {
        "signer": signer,
        "engagementId": terms.order_id,
        "title": terms.title,
        "description": terms.description,
        "roles": roles if terms.multi_release else {**roles, "receiver": terms.seller},
        "platformFee": Decimal(terms.platform_fee_bps).scaleb(-2).normalize(),
        "milestones": [_milestone_body(terms, one) for one in terms.milestones],
        "trustline": {"address": usdc_issuer, "symbol": "USDC"},
    }
    if not terms.multi_release:
        body["amount"] = usdc_number(terms.amount_stroops)
    return body


def shares_body(shares: tuple[Share, ...]) -> list[dict[str, Any]]:
    """The distributions of a resolution.

    Raises: ValueError for none, for an amount that is not above zero, or for an address twice: on
    chain they are a map, in which two shares of one address collapse into one.
    """
    if not shares or min(share.amount_stroops for share in shares) <= 0:
        raise ValueError("a resolution has shares, each above zero")
    if len({share.address for share in shares}) != len(shares):
        raise ValueError("an address has one share in a resolution")
    return [
        {"address": share.address, "amount": usdc_number(share.amount_stroops)} for share in shares
    ]


def usdc_number(stroops: int) -> Decimal:
    """Exact, and without trailing zeros."""
    return to_decimal(stroops).normalize()


def struct_of(terms: EscrowTerms, *, token: str, fresh: bool) -> a.Check:
    """The structure that the contract keeps for fitted terms.

    fresh: nothing may be approved or flagged yet, as in a deployment. Contract versions differ in
    whether they keep the memo and the token's decimals, and where a receiver stands.
    """
    state = a.boolean(False if fresh else None)
    flags = a.struct({"disputed": state, "released": state, "resolved": state})
    roles = {
        "approver": a.address(terms.buyer),
        "service_provider": a.address(terms.seller),
        "platform_address": a.address(terms.platform),
        "release_signer": a.address(terms.release_signer),
        "dispute_resolver": a.address(terms.dispute_resolver),
    }
    receiver = {"receiver": a.address(terms.seller)}
    required: dict[str, a.Check] = {
        "engagement_id": a.text(terms.order_id),
        "title": a.text(terms.title),
        "description": a.text(terms.description),
        "platform_fee": a.integer(terms.platform_fee_bps),
        "milestones": a.vector(*(_milestone(terms, one, state) for one in terms.milestones)),
        "trustline": a.struct({"address": a.address(token)}, {"decimals": a.integer(10_000_000)}),
    }
    optional: dict[str, a.Check] = {"receiver_memo": a.integer(0)}
    if terms.multi_release:
        required["roles"] = a.struct(roles, receiver)
        optional["amount"] = a.integer(terms.amount_stroops)
    else:
        required["roles"] = a.struct({**roles, **receiver})
        required["amount"] = a.integer(terms.amount_stroops)
        required["flags"] = flags
    return a.struct(required, optional)


def _milestone(terms: EscrowTerms, milestone: MilestoneTerms, state: a.Check) -> a.Check:
    common: dict[str, a.Check] = {
        "description": a.text(milestone.description),
        "status": a.any_text,
        "evidence": a.any_text,
    }
    if not terms.multi_release:
        return a.struct({**common, "approved": state})
    flags = a.struct(dict.fromkeys(("approved", "disputed", "released", "resolved"), state))
    return a.struct(
        {
            **common,
            "amount": a.integer(milestone.amount_stroops),
            "flags": flags,
            "receiver": a.address(terms.seller),
        }
    )


def _milestone_body(terms: EscrowTerms, milestone: MilestoneTerms) -> dict[str, Any]:
    body: dict[str, Any] = {"description": milestone.description}
    if terms.multi_release:
        body["amount"] = usdc_number(milestone.amount_stroops)
        body["receiver"] = terms.seller
    return body
