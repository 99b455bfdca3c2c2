"""Every kind of operation and its flow."""

from offerhub.services.flows.cancellations import TopupCancel, WithdrawalCancel
from offerhub.services.flows.dispute_flows import DisputeOpen, DisputeResolve
from offerhub.services.flows.escrow_deploy import EscrowDeploy
from offerhub.services.flows.escrow_fund import EscrowFund
from offerhub.services.flows.milestone_complete import MilestoneComplete
from offerhub.services.flows.order_refund import OrderRefund
from offerhub.services.flows.order_release import MilestoneRelease, OrderRelease
from offerhub.services.flows.platform_setup import PlatformSetup
from offerhub.services.flows.topup_payin import TopupPayin
from offerhub.services.flows.treasury_payment import TreasuryPayment
from offerhub.services.flows.wallet_create import WalletCreate
from offerhub.services.flows.wallet_fuel import WalletFuel
from offerhub.services.flows.wallet_sweep import WalletSweep
from offerhub.services.flows.withdrawal_airtm import WithdrawalAirtm
from offerhub.services.flows.withdrawal_chain import WithdrawalChain
from offerhub.services.steps import Flow

FLOWS: dict[str, Flow] = {
    flow.kind: flow
    for flow in (
        PlatformSetup(),
        WalletCreate(),
        WalletSweep(),
        WalletFuel(),
        TopupPayin(),
        TopupCancel(),
        EscrowDeploy(),
        EscrowFund(),
        OrderRelease(),
        OrderRefund(),
        MilestoneComplete(),
        MilestoneRelease(),
        DisputeOpen(),
        DisputeResolve(),
        TreasuryPayment(),
        WithdrawalChain(),
        WithdrawalAirtm(),
        WithdrawalCancel(),
    )
}


def flow_of(kind: str) -> Flow:
    """Raises: KeyError for a kind that this version does not know."""
    return FLOWS[kind]
