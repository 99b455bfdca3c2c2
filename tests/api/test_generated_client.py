"""A typed client that a public generator makes of the description compiles and runs an order."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.caller import Caller
from tests.services.world import World

COMMITTED = Path(__file__).parents[2] / "docs" / "api" / "openapi.json"
PACKAGE = "offer_hub_client"
# The document's own names, and no `…Type0` that a generator had to make up for a list of words.
NAMED = ("OrderStatus", "Resolution", "DisputeDecision", "WithdrawalStatus", "Scope", "EventType")

pytestmark = [pytest.mark.full, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a generated client, importable while the module's tests run."""
    folder = tmp_path_factory.mktemp("client") / "client"
    told = subprocess.run(
        [Path(sys.executable).with_name("openapi-python-client"), "generate",
         "--path", COMMITTED, "--output-path", folder],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    # It may miss its formatter on the PATH; what it could not make of the document is an error.
    assert "unable to" not in told.stdout.lower(), told.stdout
    assert "WARNING parsing" not in told.stdout, told.stdout
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def test_the_generated_client_covers_every_operation_and_names_its_lists(made: Path) -> None:
    paths = json.loads(COMMITTED.read_text())["paths"]
    wanted = {
        operation["operationId"]
        for item in paths.values()
        for method, operation in item.items()
        if method != "parameters"
    }
    found = {path.stem for path in (made / PACKAGE / "api").glob("*/*.py")}
    assert wanted <= found
    models = importlib.import_module(f"{PACKAGE}.models")
    assert set(NAMED) <= set(models.__all__)


def test_the_generated_client_passes_the_strictest_type_check(made: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "/dev/null",
         "--cache-dir", made / ".cache", PACKAGE],
        cwd=made, capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_generated_client_runs_an_order(made: Path, api: Caller, world: World) -> None:
    world.set_up()
    client = _client(api)
    models = importlib.import_module(f"{PACKAGE}.models")
    buyer = world.funded_user("buyer", "100.00")["id"]
    user = models.CreateUser(external_user_id="seller", type_=models.UserType.SELLER)
    seller = _call("users.create_user", client, body=user, idempotency_key=str(uuid4())).data
    world.drain()
    wanted = models.CreateOrder(
        buyer_id=buyer, seller_id=seller.id, amount="40.00", title="Logo design",
        milestones=None, metadata=None,
    )  # fmt: skip
    order = _call("orders.create_order", client, body=wanted, idempotency_key=str(uuid4())).data
    assert order.status is models.OrderStatus.ORDER_CREATED
    assert order.resolution is None
    _step(client, "reserve_order", order.id, models.Reserve())
    for name in ("create_escrow", "fund_escrow"):
        _step(client, name, order.id, models.Nothing())
        world.drain()
    _step(client, "release_order", order.id, models.Reasoned(requested_by=models.Party.BUYER))
    world.drain()
    done = _call("orders.get_order", client, order.id).data
    assert done.status is models.OrderStatus.CLOSED
    assert done.resolution is models.Resolution.RELEASED
    assert done.escrow.kind is models.EscrowKind.SINGLE_RELEASE
    refused = _step(client, "reserve_order", order.id, models.Reserve())
    assert isinstance(refused, models.Problem)
    assert refused.error.code in {"INVALID_STATE", "FUNDS_ALREADY_RESERVED"}


def _client(api: Caller) -> Any:
    made = importlib.import_module(f"{PACKAGE}.client").AuthenticatedClient
    transport = httpx.WSGITransport(app=api.flask_app)
    return made(base_url="http://localhost", token=api.key, httpx_args={"transport": transport})


def _call(name: str, client: Any, *args: Any, **more: Any) -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{name}").sync(*args, client=client, **more)


def _step(client: Any, name: str, order_id: str, body: Any) -> Any:
    key = str(uuid4())
    return _call(f"orders.{name}", client, order_id, body=body, idempotency_key=key)
