"""Airtm: pay-ins from and pay-outs to Airtm accounts, and its signed webhooks."""

from offerhub.providers.airtm.adapter import AirtmPayments
from offerhub.providers.airtm.build import build_airtm
from offerhub.providers.airtm.webhooks import AirtmWebhooks

__all__ = ["AirtmPayments", "AirtmWebhooks", "build_airtm"]
