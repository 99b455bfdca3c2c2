"""The keys that seal wallets and webhook secrets: which are in use, are they all there, rotation.

The rows are their own progress: whatever is not under the active key yet is still to be done, so a
rotation that was killed goes on by being started again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from offerhub.services import audit
from offerhub.services.context import Context
from offerhub.store import deliveries as deliveries_store
from offerhub.store import leases as flags
from offerhub.store import sealed as store
from offerhub.store.database import atomic, connection, snapshot

BATCH = 200
FINGERPRINTS = "wallet_key_fingerprints"


class WalletKeysWrong(Exception):
    """A key in use is missing or is another one. The message says which and what to do."""


def usage(ctx: Context) -> dict[str, Any]:
    """Every key id that is configured or in use: what is sealed under it, and if it may go."""
    with snapshot():
        wallets, secrets = store.wallets_by_key(), _secrets_by_key(ctx)
    fingerprints, active = ctx.app.vault.fingerprints(), ctx.app.vault.active
    return {
        "active": active,
        "keys": [
            {
                "id": key_id,
                "active": key_id == active,
                "configured": key_id in fingerprints,
                "fingerprint": fingerprints.get(key_id),
                "wallets": wallets.get(key_id, 0),
                "webhook_secrets": secrets.get(key_id, 0),
                "may_be_dropped": key_id in fingerprints
                and key_id != active
                and not wallets.get(key_id)
                and not secrets.get(key_id),
            }
            for key_id in sorted({*wallets, *secrets, *fingerprints})
        ],
    }


def require(ctx: Context) -> None:
    """Check that every key in use is there and opens what it sealed; a canary, so it is quick.

    Remembers the fingerprints of keys that it sees for the first time. A database without tables
    has nothing sealed. Commits. Raises: WalletKeysWrong.
    """
    with connection():
        if not store.is_migrated():
            return
    found = ctx.app.vault.fingerprints()
    with snapshot():
        expected = flags.flag(FINGERPRINTS)
        expected = expected if isinstance(expected, dict) else {}
        counts = Counter(store.wallets_by_key())
        counts.update(_secrets_by_key(ctx))
        for key_id, count in sorted(counts.items()):
            if count:
                _require_one(ctx, key_id, count, expected=expected.get(key_id), found=found)
    if any(expected.get(key_id) != value for key_id, value in found.items()):
        with atomic():
            flags.set_flag(FINGERPRINTS, {**expected, **found}, now=ctx.now_ms())


def rotate(
    ctx: Context,
    *,
    batch: int = BATCH,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Rewrap everything under the active key, batch by batch, while everything else goes on.

    Secrets are not opened. Commits each batch with its audit record. progress: (done, of how many).
    What cannot be rewrapped is left as it is and named in `failed`; start again for the rest.
    """
    active = ctx.app.vault.active
    with snapshot():
        total = sum(count for id_, count in store.wallets_by_key().items() if id_ != active)
    failed: list[dict[str, str]] = []
    done, after_id = 0, ""
    while True:
        with atomic():
            rows = store.wallets_not_under(active, after_id=after_id, limit=batch)
            if not rows:
                break
            failures = [problem for row in rows if (problem := _rewrap(ctx, row)) is not None]
            _record(ctx, wallets=len(rows) - len(failures))
            ctx.app.probe("wallet_keys/before_commit")
        ctx.app.probe("wallet_keys/after_commit")
        failed += failures
        done, after_id = done + len(rows) - len(failures), rows[-1].id
        progress(done, total)
    secrets = _rotate_secrets(ctx, failed)
    return {"active": active, "wallets": done, "webhook_secrets": secrets, "failed": failed}


def verify(ctx: Context) -> list[dict[str, str]]:
    """Open every sealed text, and compare each wallet's key with its address; what is wrong."""
    found = []
    for wallet in _every_wallet():
        try:
            key = ctx.app.vault.open(wallet.sealed_key, binding=wallet.id)
            if key.address != wallet.address:
                found.append(_problem(wallet.id, "it is the key of another address"))
            elif ctx.app.vault.key_id(wallet.sealed_key) != wallet.kek_id:
                found.append(_problem(wallet.id, f"it is not sealed under {wallet.kek_id}"))
        except ValueError as error:
            found.append(_problem(wallet.id, str(error)))
    with connection():
        endpoints = store.endpoints()
    for endpoint in endpoints:
        for entry in endpoint.sealed_secrets:
            try:
                ctx.app.vault.open_text(entry["sealed"], binding=endpoint.id)
            except ValueError as error:
                found.append(_problem(endpoint.id, str(error)))
    return found


def _rewrap(ctx: Context, row: Any) -> dict[str, str] | None:
    """Rewrap one locked wallet; what is wrong with it, if anything."""
    vault = ctx.app.vault
    try:
        sealed = vault.rewrap(row.sealed_key, binding=row.id)
    except ValueError as error:
        return _problem(row.id, str(error))
    store.reseal_wallet(row.id, sealed_key=sealed, key_id=vault.active, now=ctx.now_ms())
    ctx.app.probe("wallet_keys/row")
    return None


def _rotate_secrets(ctx: Context, failed: list[dict[str, str]]) -> int:
    """Webhook secrets, an endpoint at a time; how many were rewrapped. Commits each."""
    vault, done = ctx.app.vault, 0
    with connection():
        ids = [row.id for row in store.endpoints() if _needs_rewrapping(ctx, row)]
    for endpoint_id in ids:
        with atomic():
            row = deliveries_store.endpoint_for_update(endpoint_id)
            if row is None:
                continue
            try:
                sealed = [
                    {**entry, "sealed": vault.rewrap(entry["sealed"], binding=row.id)}
                    for entry in row.sealed_secrets
                ]
            except ValueError as error:
                failed.append(_problem(row.id, str(error)))
                continue
            store.reseal_endpoint(row.id, sealed_secrets=sealed)
            _record(ctx, webhook_secrets=len(sealed))
            ctx.app.probe("wallet_keys/before_commit")
        done += len(sealed)
    return done


def _record(ctx: Context, **counts: int) -> None:
    audit.record(
        ctx, action="wallet_keys.rewrap", resource_type="wallet_key",
        resource_id=ctx.app.vault.active, after=dict(counts),
    )  # fmt: skip


def _require_one(
    ctx: Context, key_id: str, count: int, *, expected: str | None, found: dict[str, str]
) -> None:
    if key_id not in found:
        known = f" (fingerprint {expected})" if expected else ""
        raise WalletKeysWrong(
            f"the wallet key {key_id}{known} is missing from OFFERHUB_WALLET_KEKS, and {count}"
            f" secrets are sealed under it. Put {key_id}:… back, after the active key"
        )
    if expected is not None and expected != found[key_id]:
        raise WalletKeysWrong(
            f"the wallet key {key_id} in OFFERHUB_WALLET_KEKS is not the one that sealed {count}"
            f" secrets: expected fingerprint {expected}, found {found[key_id]}"
        )
    wallet = store.a_wallet_under(key_id)
    if wallet is None:
        return
    try:
        ctx.app.vault.open(wallet.sealed_key, binding=wallet.id)
    except ValueError as error:
        raise WalletKeysWrong(
            f"the wallet key {key_id} (fingerprint {found[key_id]}) does not open the wallet"
            f" {wallet.id}: it is not the key that sealed it, or the wallet was altered"
        ) from error


def _secrets_by_key(ctx: Context) -> Counter[str]:
    return Counter(_key_ids(ctx))


def _key_ids(ctx: Context) -> Iterator[str]:
    for endpoint in store.endpoints():
        for entry in endpoint.sealed_secrets:
            yield ctx.app.vault.key_id(entry["sealed"])


def _needs_rewrapping(ctx: Context, endpoint: Any) -> bool:
    vault = ctx.app.vault
    return any(vault.key_id(entry["sealed"]) != vault.active for entry in endpoint.sealed_secrets)


def _every_wallet() -> Iterator[Any]:
    after_id = ""
    while True:
        with connection():
            rows = store.wallets(after_id=after_id, limit=BATCH)
        if not rows:
            return
        yield from rows
        after_id = rows[-1].id


def _problem(id_: str, text: str) -> dict[str, str]:
    return {"id": id_, "problem": text}
