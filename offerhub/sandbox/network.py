"""The Stellar half as the server mounts it, and Airtm's hot wallet on that chain."""

from stellar_sdk import StrKey

from offerhub.sandbox.airtm.world import TransferRefused


class NoRail:
    """Takes the place of Airtm's hot wallet until there is a chain to pay on."""

    def send_usdc(self, *, to: str, amount_stroops: int, memo: str | None) -> str:
        raise TransferRefused(f"no chain to pay {amount_stroops} stroops to {to} on")

    def accepts_address(self, address: str) -> bool:
        return StrKey.is_valid_ed25519_public_key(address)
