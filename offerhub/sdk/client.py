"""`OfferHub`: one appliance, one key, all routes."""

from types import TracebackType

import httpx

from offerhub.sdk.account_models import Config, Health, Me
from offerhub.sdk.api_keys import ApiKeys
from offerhub.sdk.disputes import Disputes
from offerhub.sdk.events import Events
from offerhub.sdk.http import Http
from offerhub.sdk.milestones import Milestones
from offerhub.sdk.orders import Orders
from offerhub.sdk.retry import Backoff
from offerhub.sdk.topups import Topups
from offerhub.sdk.users import Users
from offerhub.sdk.webhooks import Webhooks
from offerhub.sdk.withdrawals import Withdrawals


class OfferHub:
    """A client of one OfferHub appliance.

    base_url: such as `https://pay.example.com`; `/api/v1` is added. api_key: a key or a token;
    None reaches only the open routes. timeout_s: per attempt. max_retries: further attempts of
    requests that are safe to repeat. transport: another way to send requests, for tests.
    backoff: pauses, chance and sleeping, for tests and for callers with other patience.
    Safe to share between threads. Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout_s: float = 30.0,
        max_retries: int = 3,
        transport: httpx.BaseTransport | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._base_url = base_url
        self._http = Http(
            base_url,
            api_key,
            timeout_s=timeout_s,
            max_retries=max_retries,
            transport=transport,
            backoff=backoff or Backoff(),
        )
        self.users = Users(self._http)
        self.topups = Topups(self._http)
        self.orders = Orders(self._http)
        self.milestones = Milestones(self._http)
        self.disputes = Disputes(self._http)
        self.withdrawals = Withdrawals(self._http)
        self.events = Events(self._http)
        self.webhooks = Webhooks(self._http)
        self.api_keys = ApiKeys(self._http)

    def me(self) -> Me:
        """Who this key belongs to and what it may do. Raises: InvalidApiKey."""
        return Me.from_json(self._http.get("/me").data)

    def config(self) -> Config:
        """What the appliance offers: features, limits, fees, providers."""
        return Config.from_json(self._http.get("/config").data)

    def health(self) -> Health:
        """The appliance's health, also when it is unhealthy. One attempt, needs no key."""
        return Health.from_json(self._http.read_health().data)

    def close(self) -> None:
        """Close all connections; streams end."""
        self._http.close()

    def __enter__(self) -> "OfferHub":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OfferHub({self._base_url!r})"
