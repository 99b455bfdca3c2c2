"""What people outside do in the demo: pay at Airtm's checkout, send USDC from another wallet.

These go to the sandbox's control routes and checkout page, never to our own API.
"""

from typing import Any

import httpx

TIMEOUT_S = 15.0


class SandboxControl:
    """The simulated world's side of the story."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/_control", timeout=TIMEOUT_S)
        self._browser = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False)

    def person(self, email: str, *, first_name: str, last_name: str, wallet: str) -> str:
        """An Airtm account with money in it; its id."""
        body = {
            "email": email, "first_name": first_name, "last_name": last_name,
            "country": "MEX", "wallet": wallet,
        }  # fmt: skip
        return str(self._post("/airtm/users", body)["id"])

    def pay_at_checkout(self, confirmation_url: str, *, email: str) -> str:
        """Confirm a pay-in as that person; where the browser is sent afterwards."""
        answer = self._browser.post(f"{confirmation_url}/pay", data={"email": email})
        if not answer.is_redirect:
            raise RuntimeError(f"the checkout answered {answer.status_code}: {answer.text[:200]}")
        return str(answer.headers["location"])

    def follow(self, url: str) -> int:
        """Do what the browser does with the redirect; the status it gets."""
        return self._browser.get(url).status_code

    def send_usdc(self, to: str, amount: str) -> str:
        """USDC from a wallet outside; the transaction's hash."""
        return str(self._post("/stellar/deposit", {"to": to, "amount": amount})["hash"])

    def outside_account(self) -> str:
        """The address of somebody else's wallet, with a USDC trustline."""
        return str(self._post("/stellar/outside-account", {})["address"])

    def world(self) -> dict[str, Any]:
        """Everything that the providers know."""
        answer = self._http.get("/world")
        answer.raise_for_status()
        return dict(answer.json())

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"sandbox {path} answered {answer.status_code}: {answer.text[:200]}")
        return dict(answer.json())
