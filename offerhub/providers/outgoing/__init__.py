"""Sending webhooks to marketplaces, and nowhere else."""

from offerhub.providers.outgoing.sender import SafeSender

__all__ = ["SafeSender"]
