"""What one request carries from step to step: set by the pipeline, read by everything after it.

Not here: anything that outlives the request (`edge`).
"""

import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Any

from flask import g, request

from offerhub.api.edge import Edge, edge
from offerhub.services.context import Actor, Context
from offerhub.services.credentials import Principal
from offerhub.services.idempotency import Claim

MAX_USER_AGENT = 512


@dataclass(slots=True)
class Budget:
    """What is left of a rate limit; reset_s counts from now."""

    limit: int
    remaining: int
    reset_s: int


@dataclass(slots=True)
class RequestState:
    """`body` is the parsed JSON; `claim` the request's hold on its idempotency key, if any."""

    request_id: str
    started_s: float = field(default_factory=time.monotonic)
    principal: Principal | None = None
    budget: Budget | None = None
    body: Any = None
    idempotency_key: str | None = None
    claim: Claim | None = None
    lock_token: str | None = None
    replayed: bool = False
    error_code: str | None = None


def state() -> RequestState:
    """The current request's state."""
    found: RequestState = g.offerhub
    return found


def principal() -> Principal:
    """Who asks; only for routes that demand credentials."""
    found = state().principal
    if found is None:
        raise RuntimeError("this route is public: nobody was authenticated")
    return found


def actor() -> Actor:
    """The caller as services and audit records know it."""
    now = state()
    who = now.principal
    common: dict[str, Any] = {
        "request_id": now.request_id,
        "ip": client_address(),
        "user_agent": (request.headers.get("User-Agent") or "")[:MAX_USER_AGENT] or None,
        "idempotency_key": now.idempotency_key,
    }
    if who is None:
        return Actor("system", "public", **common)
    return Actor(who.type, who.key_id or who.type, scopes=who.scopes, user_id=who.user_id, **common)


def current_context() -> Context:
    """First argument of every service call of this request."""
    return Context(edge().app, actor())


def current_edge() -> Edge:
    return edge()


def client_network() -> str:
    """What limits count as one stranger: an IPv4 address, or the /64 that an IPv6 one is in.

    One host is given a whole /64 and may use a new address for every request.
    """
    text = client_address()
    try:
        address = ip_address(text.split("%", 1)[0])
    except ValueError:
        return text
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))


def client_address() -> str:
    """The client's address, as far as the configured proxies can be believed."""
    return request.remote_addr or "unknown"
