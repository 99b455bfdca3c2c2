"""The deployment that the cases break: real processes, people with money, a reader, a sink.

One per database, made when the first case asks for it, and shared by all that follow.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from offerhub.cli.demo.deployment import Deployment
from offerhub.domain.money import parse_exact
from proof.plan import Database
from proof.rig.calls import Record
from proof.rig.rows import Rows, open_rows
from proof.rig.sink import Sink
from proof.rig.stream import Reader
from tests.fixtures.databases import execute
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.session import close_session, data_folder, open_session
from tests.journeys.market import Market, close_market, open_market, until

BUYERS = SELLERS = 4
DEPOSIT = "50000.00"
AIRTM_FLOAT = "20000.00"
PURSE = "1000000.00"
ENOUGH = "1000000"
SETTINGS = {
    "OFFERHUB_RATE_LIMIT_PER_MIN": ENOUGH,
    "OFFERHUB_RATE_LIMIT_TOPUPS_PER_MIN": ENOUGH,
    "OFFERHUB_RATE_LIMIT_WITHDRAWALS_PER_MIN": ENOUGH,
    "OFFERHUB_LOG_LEVEL": "warning",
}


@dataclass(frozen=True)
class Person:
    """A user of the marketplace, with a wallet and an account at Airtm."""

    id: str
    email: str
    address: str


@dataclass
class Site:
    """One deployment. `started_at_sequence`: the stream's head when reader and sink began."""

    database: Database
    market: Market
    postgres: PostgresServer | None
    buyers: list[Person]
    sellers: list[Person]
    rows: Rows
    reader: Reader
    sink: Sink
    record: Record
    started_at_sequence: int
    deposited: dict[str, int]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.market.url.partition("://")[2].partition(":")
        return host, int(port)


_sites: dict[str, tuple[Site, Path]] = {}
_own_session: list[bool] = []


def site_for(database: Database) -> Site:
    """The deployment on this database, made if it is not there yet."""
    if database not in _sites:
        _sites[database] = _open(database)
    return _sites[database][0]


def close_all() -> None:
    """Stop every deployment and remove what it wrote."""
    while _sites:
        site, folder = _sites.popitem()[1]
        site.reader.stopping.set()
        close_market(site.market.home)
        site.sink.close()
        if site.postgres is not None:
            site.postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if _own_session:
        _own_session.clear()
        close_session()


def _open(database: Database) -> tuple[Site, Path]:
    if "OFFERHUB_TEST_SESSION_DIR" not in os.environ:
        open_session()
        _own_session.append(True)
    folder = Path(tempfile.mkdtemp(prefix="oh-"))
    postgres, settings = None, dict(SETTINGS)
    if database == "postgres":
        postgres = PostgresServer(data_folder() / f"rig-{uuid4().hex[:8]}", durable=True)
        postgres.start()
        execute(postgres.url(), "CREATE DATABASE {}", "market")
        settings["DATABASE_URL"] = postgres.url("market")
    market: Market | None = None
    try:
        home = folder / "market"
        market = open_market(home, port=free_port(), sandbox_port=free_port(), **settings)
        return _furnished(database, market, postgres), folder
    except BaseException:
        if market is not None:
            close_market(market.home)
        if postgres is not None:
            postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _furnished(database: Database, market: Market, postgres: PostgresServer | None) -> Site:
    people = [_person(market, f"buyer{n}") for n in range(BUYERS)]
    people += [_person(market, f"seller{n}") for n in range(SELLERS)]
    sink = Sink()
    made = market.client._http.change(
        "POST", "/webhook-endpoints", {"url": sink.url, "events": ["*"]}, idempotency_key=None
    )
    sink.trust(str(made.data["secret"]))
    with _books_of(market) as rows:  # not before: an endpoint hears of what comes after it is there
        head = int(rows.one("SELECT COALESCE(MAX(sequence), 0) FROM events"))
    reader = Reader(market.url, market.key, after=head).start()
    treasury = market.client.config().providers["stellar"]["treasury_address"]
    market.sandbox.send_usdc(treasury, DEPOSIT)
    wallets = [(person, _wallet(market, person.id)) for person in people]
    people = [Person(p.id, p.email, address) for p, address in wallets]
    for person in people[:BUYERS]:
        market.sandbox.send_usdc(person.address, DEPOSIT)
    _wait_for_deposits(market, people[:BUYERS])
    return Site(
        database=database,
        market=market,
        postgres=postgres,
        buyers=people[:BUYERS],
        sellers=people[BUYERS:],
        rows=open_rows(market.settings.database_url),
        reader=reader,
        sink=sink,
        record=Record(),
        started_at_sequence=head,
        deposited={person.id: parse_exact(DEPOSIT) for person in people[:BUYERS]},
    )


def _wait_for_deposits(market: Market, buyers: list[Person]) -> None:
    """Raises: AssertionError, with what reader and network know of the one that is missing."""
    for buyer in buyers:
        try:
            until(partial(_has_money, market, buyer.id), f"the deposit of {buyer.id}")
        except AssertionError as error:
            with _books_of(market) as rows:
                seen = rows.all("SELECT user_id, operation_id, amount, status FROM deposits")
                wallets = rows.all("SELECT address, status, cursor, checked_at FROM wallets")
            said = dict(market.logs()).get("deposits", "")
            sent = market.sandbox.world()["stellar"]["transfers"]
            raise AssertionError(
                f"{error}; to {buyer.address}; deposits {seen}; wallets {wallets}; sent {sent};"
                f" the reader said {said}"
            ) from error


def _has_money(market: Market, user_id: str) -> bool:
    return market.available(user_id) != "0.00"


def _person(market: Market, name: str) -> Person:
    email = f"{name}-{uuid4().hex[:6]}@example.com"
    market.sandbox.person(email, first_name="A", last_name=name, wallet=PURSE)
    user = market.client.users.create(external_user_id=email, type="BOTH", email=email)
    market.client.users.link_airtm(user.id, email=email)
    market.client.users.wallet(user.id)
    return Person(user.id, email, "")


def _wallet(market: Market, user_id: str) -> str:
    return market.wallet(user_id)


@contextmanager
def _books_of(market: Market) -> Iterator[Rows]:
    rows = open_rows(market.settings.database_url)
    try:
        yield rows
    finally:
        with suppress(Exception):
            rows.close()


def offerhub_json(deployment: Deployment, *arguments: str) -> Any:
    """What a command of the deployment prints as JSON, whatever its exit code 0 or 1."""
    import json

    return json.loads(deployment._offerhub(*arguments, allowed=(0, 1)))
