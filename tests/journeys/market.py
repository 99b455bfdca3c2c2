"""A whole deployment on real processes, as journeys drive it: users, orders, kills, the books.

It is made by the installer, started by `offerhub up`, driven by the SDK, and compared by the
comparison that the demo itself uses.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from offerhub.cli.appliance import holding, supervisord
from offerhub.cli.demo.comparison import compare
from offerhub.cli.demo.deployment import Deployment
from offerhub.cli.demo.sandbox import SandboxControl
from offerhub.cli.demo.telling import Teller
from offerhub.sdk import OfferHub, Order, Withdrawal
from offerhub.sdk.retry import Backoff
from offerhub.settings import Settings, load_home, paths

T = TypeVar("T")
PATIENCE_S = 60.0
TREASURY_FLOAT = "5000.00"
STOPPING_S = 30.0
LOG_TAIL_CHARS = 6_000
# The tests send more than a marketplace's default allows; limits have tests of their own.
SETTINGS = {
    "OFFERHUB_RATE_LIMIT_PER_MIN": "100000",
    "OFFERHUB_RATE_LIMIT_WITHDRAWALS_PER_MIN": "1000",
}


def until(condition: Callable[[], T | None], what: str, *, patience_s: float = PATIENCE_S) -> T:
    """The first true answer. Raises: AssertionError after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s in vain for {what}"
        time.sleep(0.1)


class Patience(Backoff):
    """Waits as long as the server asks, and else little: recovery is what is measured."""

    def pause_s(self, attempt: int) -> float:
        return min(0.5, super().pause_s(attempt))


@dataclass(frozen=True)
class People:
    """A buyer with money and a seller; their ids, and their e-mails at Airtm."""

    buyer: str
    seller: str
    buyer_email: str
    seller_email: str


@dataclass
class Market:
    """A running deployment. `recoveries`: what was killed, and the seconds until work went on."""

    deployment: Deployment
    client: OfferHub
    sandbox: SandboxControl
    recoveries: list[tuple[str, float]] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.deployment.home

    @property
    def url(self) -> str:
        return str(self.deployment.outcome["url"])

    @property
    def settings(self) -> Settings:
        return load_home(self.home, {})

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text().strip()

    # People and money

    def people(self, *, deposit: str) -> People:
        """Two new users; the buyer's deposit has arrived. `deposit`: USDC."""
        name, ids = uuid4().hex[:8], {}
        for role in ("buyer", "seller"):
            email = f"{role}-{name}@example.com"
            self.sandbox.person(email, first_name="A", last_name=role, wallet="1000.00")
            user = self.client.users.create(
                external_user_id=f"{role}-{name}", type=role.upper(), email=email
            )
            self.client.users.link_airtm(user.id, email=email)
            ids[role] = user.id
        for user_id in ids.values():
            self.wallet(user_id)
        self.sandbox.send_usdc(self.wallet(ids["buyer"]), deposit)
        until(lambda: self.available(ids["buyer"]) != "0.00", "the deposit")
        emails = (f"{role}-{name}@example.com" for role in ("buyer", "seller"))
        return People(ids["buyer"], ids["seller"], *emails)

    def wallet(self, user_id: str) -> str:
        """The user's address, once the wallet works."""

        def ready() -> str | None:
            wallet = self.client.users.wallet(user_id)
            return wallet.address if wallet.status == "ACTIVE" else None

        return until(ready, f"the wallet of {user_id}")

    def available(self, user_id: str) -> str:
        return str(self.client.users.balance(user_id).available)

    def reserved_order(self, people: People, amount: str = "20.00") -> Order:
        """A new order with its funds held."""
        order = self.client.orders.create(
            buyer_id=people.buyer, seller_id=people.seller, amount=amount, title="A journey"
        )
        return self.client.orders.reserve(order.id)

    def wait_order(self, order_id: str, *states: str, patience_s: float = PATIENCE_S) -> Order:
        """Polls: the stream is not what is tested here, and may be what was killed."""

        def reached() -> Order | None:
            order = self.client.orders.get(order_id)
            return order if order.status in states else None

        return until(reached, f"{order_id} to be {states}", patience_s=patience_s)

    def wait_withdrawal(self, id_: str, *states: str, patience_s: float = PATIENCE_S) -> Withdrawal:
        def reached() -> Withdrawal | None:
            withdrawal = self.client.withdrawals.get(id_)
            return withdrawal if withdrawal.status in states else None

        return until(reached, f"{id_} to be {states}", patience_s=patience_s)

    # Processes

    def pid(self, name: str) -> int | None:
        """The process that holds this name now; its own number, not that of its children."""
        return holding.holder(paths.run(self.home), name)

    def kill_group(self, name: str) -> int:
        """SIGKILL to a process and its children at once."""
        pid = until(lambda: self.pid(name), f"{name} to run")
        os.killpg(pid, signal.SIGKILL)
        return pid

    def kill(self, name: str) -> int:
        """SIGKILL to one process (not to its children), as a crash would; its number."""
        pid = until(lambda: self.pid(name), f"{name} to run")
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_restarted(self, name: str, dead: int, *, patience_s: float = PATIENCE_S) -> None:
        until(lambda: self.pid(name) not in {None, dead}, f"another {name}", patience_s=patience_s)

    def control(self, action: str, name: str) -> None:
        """`supervisorctl start|stop NAME`, as an operator may."""
        address = f"unix://{paths.supervisor_socket(self.home)}"
        subprocess.run(
            [sys.executable, "-m", "supervisor.supervisorctl", "-s", address, action, name],
            check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def logs(self) -> Iterator[tuple[str, str]]:
        """Each process's name and the end of its log."""
        for path in sorted(paths.logs(self.home).glob("*.log")):
            yield path.stem, path.read_text(errors="replace")[-LOG_TAIL_CHARS:]

    # The database, read past the API, which may be the one that is down

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Of the SQLite file, by a reader of our own."""
        path = f"file:{paths.database(self.home)}?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=10)) as connection:
            return connection.execute(query, values).fetchall()

    # The simulated world

    def paid_topup(self, people: People, amount: str, *, before: Callable[[], None]) -> str:
        """A top-up that the buyer pays at the checkout, after `before`; its id."""
        topup = self.client.topups.create(
            user_id=people.buyer, amount=amount,
            return_url="http://localhost/paid", cancel_url="http://localhost/canceled",
        )  # fmt: skip
        ready = self.client.topups.wait_for(topup.id, {"TOPUP_AWAITING_USER_CONFIRMATION"})
        before()
        self.sandbox.pay_at_checkout(str(ready.confirmation_url), email=people.buyer_email)
        return topup.id

    def control_get(self, path: str) -> Any:
        answer = self.sandbox._http.get(path)
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def faults(self, *rules: Mapping[str, Any]) -> Iterator[None]:
        """Rules of the sandbox, gone afterwards. Each must have spoilt a call by then."""
        for rule in rules:
            self.sandbox._post("/faults", dict(rule))
        try:
            yield
            unused = [f for f in self.control_get("/faults")["faults"] if not f["applied"]]
            assert not unused, f"these faults never struck: {unused}"
        finally:
            self.sandbox._http.delete("/faults").raise_for_status()

    # The books

    def books_match(self) -> None:
        """Every account against the place where the money is; nothing under way, nothing broken."""
        result = compare(self.deployment, Teller())
        assert result["matched"], result


def open_market(folder: Path, *, port: int, sandbox_port: int, **settings: str) -> Market:
    """Make a deployment in `folder` and start it; its platform has a float of USDC."""
    deployment = Deployment(folder)
    tell = Teller()
    deployment.make(tell, port=port)
    _adapt(folder / "config.env", sandbox_port=sandbox_port, settings=SETTINGS | settings)
    deployment.start(tell)
    try:
        key = (folder / "admin.key").read_text().strip()
        client = OfferHub(
            deployment.outcome["url"], key, timeout_s=20.0, max_retries=60, backoff=Patience()
        )
        market = Market(deployment, client, deployment.sandbox())
        treasury = client.config().providers["stellar"]["treasury_address"]
        until(lambda: _sent(market.sandbox, treasury), "the platform's wallets")
    except BaseException:
        close_market(folder)
        raise
    return market


def close_market(folder: Path) -> None:
    """Stop everything of the deployment, without finishing its work."""
    running = supervisord.connect(folder)
    if running is not None:
        running.shutdown()
        deadline = time.monotonic() + STOPPING_S
        while supervisord.connect(folder) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
    from offerhub.cli.appliance import programs

    if paths.run(folder).is_dir():
        for program in reversed(programs.ALL):
            holding.stop(paths.run(folder), program.name, grace_s=5)
    paths.remove_sockets(folder)


def _adapt(config: Path, *, sandbox_port: int, settings: Mapping[str, str]) -> None:
    """Another sandbox port than the first free one, which two test processes may both find."""
    text = config.read_text()
    bind = next(line for line in text.splitlines() if line.startswith("OFFERHUB_SANDBOX_BIND="))
    text = text.replace(bind.partition("=")[2], f"127.0.0.1:{sandbox_port}")
    kept = [line for line in text.splitlines() if line.partition("=")[0] not in settings]
    config.write_text("\n".join([*kept, *(f"{k}={v}" for k, v in settings.items())]) + "\n")


def _sent(sandbox: SandboxControl, address: str) -> bool:
    try:
        return bool(sandbox.send_usdc(address, TREASURY_FLOAT))
    except RuntimeError:
        return False  # no trustline yet: the set-up is still under way
