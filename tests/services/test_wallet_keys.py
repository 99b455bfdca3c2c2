"""Wallet keys are rotated while the world goes on; a missing one is noticed at the start."""

import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from offerhub import settings
from offerhub.bootstrap import build_app
from offerhub.domain import ids
from offerhub.providers.vault import EnvelopeVault
from offerhub.services import audit_log, users, wallet_keys, webhook_endpoints
from offerhub.services.context import App, Context, system_context
from offerhub.store import sealed
from offerhub.store.database import atomic, connection
from offerhub.store.users import User, Wallet
from tests.fixtures.proof import Figure
from tests.services.world import World

pytestmark = pytest.mark.proves("F18")

K1, K2 = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
SCRIPT = Path(__file__).with_name("rotation_process.py")


def keyed(world: World, keks: str) -> Context:
    """The same deployment, started with other wallet keys."""
    app = build_app(settings.load({**world.environ, "OFFERHUB_WALLET_KEKS": keks}))
    return system_context(app, name="test")


def old(world: World) -> str:
    return world.environ["OFFERHUB_WALLET_KEKS"]


def both(world: World) -> str:
    return f"k2:{K2},{old(world)}"


def many_wallets(app: App, count: int) -> None:
    """Rows as `users.create_user` makes them, without waiting for the chain."""
    with atomic():
        for number in range(count):
            user_id, wallet_id = ids.new_id(ids.USER), ids.new_id(ids.WALLET)
            address, text = app.vault.new_key(binding=wallet_id)
            User.create(
                id=user_id, external_user_id=f"u{number}", type="BOTH", status="ACTIVE",
                metadata={}, created_at=1, updated_at=1,
            )  # fmt: skip
            Wallet.create(
                id=wallet_id, user_id=user_id, address=address, sealed_key=text,
                kek_id=app.vault.key_id(text), status="PENDING", cursor="0", created_at=1,
                updated_at=1,
            )  # fmt: skip


def test_a_rotation_leaves_everything_readable_and_the_old_key_free(world: World) -> None:
    user = world.funded_user("someone", "5.00")
    endpoint = webhook_endpoints.create_endpoint(
        world.ctx, url="http://hooks.example/", events=["order.*"]
    )
    ctx = keyed(world, both(world))
    before = {key["id"]: key for key in wallet_keys.usage(ctx)["keys"]}
    assert (before["k1"]["wallets"], before["k1"]["webhook_secrets"]) == (1, 1)
    assert before["k1"]["may_be_dropped"] is False

    seen: list[tuple[int, int]] = []
    outcome = wallet_keys.rotate(ctx, progress=lambda done, total: seen.append((done, total)))
    assert outcome == {"active": "k2", "wallets": 1, "webhook_secrets": 1, "failed": []}
    assert seen == [(1, 1)]
    after = {key["id"]: key for key in wallet_keys.usage(ctx)["keys"]}
    assert after["k1"]["may_be_dropped"] is True
    assert (after["k2"]["wallets"], after["k2"]["active"]) == (1, True)

    alone = keyed(world, f"k2:{K2}")
    wallet_keys.require(alone)
    assert wallet_keys.verify(alone) == []
    with connection():
        (row,) = sealed.endpoints()
        (wallet,) = sealed.wallets(after_id="", limit=10)
    assert webhook_endpoints.open_secrets(alone, row) == [endpoint["secret"]]
    key = alone.app.vault.open(wallet.sealed_key, binding=wallet.id)
    assert key.address == user["wallet"]["address"]
    (record, _) = audit_log.list_records(ctx, action="wallet_keys.rewrap").items
    assert record["resource_id"] == "k2"
    assert wallet_keys.rotate(alone)["wallets"] == 0


def test_a_rotation_killed_twenty_times_loses_nothing(world: World, figure: Figure) -> None:
    many_wallets(world.app, 300)
    environ = {**world.environ, "OFFERHUB_WALLET_KEKS": both(world)}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], input=json.dumps(environ), capture_output=True, text=True,
        timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "20", done.stderr
    world.use()
    ctx = keyed(world, both(world))
    counts = {key["id"]: key["wallets"] for key in wallet_keys.usage(ctx)["keys"]}
    assert counts["k1"] > 0
    assert counts["k2"] > 0
    assert wallet_keys.verify(ctx) == []
    assert wallet_keys.rotate(ctx)["wallets"] == counts["k1"]
    assert wallet_keys.verify(keyed(world, f"k2:{K2}")) == []
    figure("kills", 20)
    figure("keys_readable", counts["k1"] + counts["k2"])


def test_swapped_and_altered_ciphertexts_are_detected_and_stop_nobody_else(
    world: World, figure: Figure
) -> None:
    many_wallets(world.app, 5)
    with atomic():
        one, other, altered, *rest = sealed.wallets(after_id="", limit=10)
        Wallet.update(sealed_key=other.sealed_key).where(Wallet.id == one.id).execute()
        Wallet.update(sealed_key=one.sealed_key).where(Wallet.id == other.id).execute()
        # The wrapped key stays, the body is another's: a rotation alone does not see it.
        parts, others = altered.sealed_key.split("."), rest[0].sealed_key.split(".")
        Wallet.update(sealed_key=".".join([*parts[:3], others[3]])).where(
            Wallet.id == altered.id
        ).execute()
    ctx = keyed(world, both(world))
    assert {p["id"] for p in wallet_keys.verify(ctx)} == {one.id, other.id, altered.id}
    outcome = wallet_keys.rotate(ctx)
    assert {p["id"] for p in outcome["failed"]} == {one.id, other.id}
    assert outcome["wallets"] == 3
    figure("falsified_keys_detected", 3)
    assert {p["id"] for p in wallet_keys.verify(ctx)} == {one.id, other.id, altered.id}


def test_a_key_of_another_address_is_detected(world: World) -> None:
    many_wallets(world.app, 1)
    with atomic():
        (wallet,) = sealed.wallets(after_id="", limit=1)
        _, text = world.app.vault.new_key(binding=wallet.id)
        Wallet.update(sealed_key=text).where(Wallet.id == wallet.id).execute()
    (problem,) = wallet_keys.verify(world.ctx)
    assert problem == {"id": wallet.id, "problem": "it is the key of another address"}


def test_nothing_starts_without_a_key_in_use(world: World) -> None:
    many_wallets(world.app, 2)
    wallet_keys.require(world.ctx)
    fingerprint = world.app.vault.fingerprints()["k1"]
    with pytest.raises(wallet_keys.WalletKeysWrong) as caught:
        wallet_keys.require(keyed(world, f"k2:{K2}"))
    assert f"k1 (fingerprint {fingerprint}) is missing" in str(caught.value)
    with pytest.raises(wallet_keys.WalletKeysWrong) as caught:
        wallet_keys.require(keyed(world, f"k1:{K1}"))
    found = keyed(world, f"k1:{K1}").app.vault.fingerprints()["k1"]
    assert f"expected fingerprint {fingerprint}, found {found}" in str(caught.value)
    assert K1 not in str(caught.value)
    wallet_keys.require(keyed(world, both(world)))


def test_a_wrong_key_is_noticed_also_when_no_fingerprint_was_kept(world: World) -> None:
    many_wallets(world.app, 2)
    with pytest.raises(wallet_keys.WalletKeysWrong, match="does not open the wallet"):
        wallet_keys.require(keyed(world, f"k1:{K1}"))


def test_an_unused_key_may_be_replaced(world: World) -> None:
    wallet_keys.require(keyed(world, f"{old(world)},k9:{K1}"))
    wallet_keys.require(keyed(world, f"{old(world)},k9:{K2}"))


def test_users_are_made_and_wallets_sign_while_keys_rotate(world: World) -> None:
    many_wallets(world.app, 30)
    payer = world.funded_user("payer", "20.00")
    app = replace(world.app, vault=keyed(world, both(world)).app.vault)
    world.app = app
    made: list[str] = []

    def between(done: int, total: int) -> None:
        made.append(users.create_user(world.ctx, external_user_id=f"new{done}", type="BOTH")["id"])

    wallet_keys.rotate(world.ctx, batch=10, progress=between)
    assert len(made) == 4
    world.drain()
    seller = world.user("seller")
    world.in_progress(payer["id"], seller["id"], "10.00")
    assert wallet_keys.verify(keyed(world, f"k2:{K2}")) == []
    assert isinstance(app.vault, EnvelopeVault)
