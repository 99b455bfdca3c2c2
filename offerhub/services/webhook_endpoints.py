"""Endpoints of the marketplace that get our events as signed webhooks."""

import base64
import secrets
from typing import Any

from offerhub.domain import events as catalogue
from offerhub.domain import ids
from offerhub.domain.errors import NotFound, ValidationFailed
from offerhub.ports.outgoing import AddressRefused
from offerhub.services import audit
from offerhub.services.context import Context, Page
from offerhub.services.representations import timestamp
from offerhub.store import deliveries as store
from offerhub.store import events as events_store
from offerhub.store.database import atomic, connection

SECRET_BYTES = 32
OVERLAP_MS = 24 * 3600 * 1000  # how long the old secret still signs after a rotation


def check_url(ctx: Context, url: str) -> None:
    """Resolves the host: not inside a transaction. Raises: VALIDATION_ERROR."""
    try:
        ctx.app.webhook_sender.check(url)
    except AddressRefused as exc:
        raise ValidationFailed("url", str(exc)) from exc


def create_endpoint(
    ctx: Context, *, url: str, events: list[str], description: str | None = None
) -> dict[str, Any]:
    """Register an endpoint for events from now on; its secret is shown once. Commits.

    `check_url` has been asked before. Raises: VALIDATION_ERROR.
    """
    _check_events(events)
    now = ctx.now_ms()
    endpoint_id = ids.new_id(ids.WEBHOOK_ENDPOINT)
    secret = _new_secret()
    with atomic():
        row = store.WebhookEndpoint.create(
            id=endpoint_id,
            url=url,
            events=events,
            description=description,
            sealed_secrets=[_sealed(ctx, secret, endpoint_id)],
            cursor=events_store.head_sequence(),
            created_at=now,
            updated_at=now,
        )
        shown = represent(row)
        audit.record(
            ctx, action="webhook_endpoint.create", resource_type="webhook_endpoint",
            resource_id=endpoint_id, after=shown,
        )  # fmt: skip
        return {**shown, "secret": secret}


def get_endpoint(ctx: Context, endpoint_id: str) -> dict[str, Any]:
    """Raises: NOT_FOUND."""
    with connection():
        return represent(_require(store.get_endpoint(endpoint_id), endpoint_id))


def list_endpoints(ctx: Context, *, limit: int = 20, cursor: str | None = None) -> Page:
    """Newest first."""
    with connection():
        rows = store.listed_endpoints(limit=limit, cursor=cursor)
        return Page([represent(row) for row in rows.rows], rows.next_cursor)


def update_endpoint(ctx: Context, endpoint_id: str, **changes: Any) -> dict[str, Any]:
    """Change url, events, description or enabled. Enabling again starts from where it stopped.

    Commits. Raises: NOT_FOUND, VALIDATION_ERROR.
    """
    if "events" in changes:
        _check_events(changes["events"])
    with atomic():
        row = _require(store.endpoint_for_update(endpoint_id), endpoint_id)
        before = represent(row)
        for name, value in changes.items():
            setattr(row, name, value)
        if changes.get("enabled"):
            row.disabled_reason = row.failing_since = None
        row.updated_at = ctx.now_ms()
        row.save()
        shown = represent(row)
        audit.record(
            ctx, action="webhook_endpoint.update", resource_type="webhook_endpoint",
            resource_id=endpoint_id, before=before, after=shown,
        )  # fmt: skip
        return shown


def rotate_secret(ctx: Context, endpoint_id: str) -> dict[str, Any]:
    """A new secret, shown once; the old one signs beside it for a day. Commits.

    Raises: NOT_FOUND.
    """
    now = ctx.now_ms()
    secret = _new_secret()
    with atomic():
        row = _require(store.endpoint_for_update(endpoint_id), endpoint_id)
        kept = [
            {**entry, "until": min(entry["until"] or now + OVERLAP_MS, now + OVERLAP_MS)}
            for entry in row.sealed_secrets
            if entry["until"] is None or entry["until"] > now
        ]
        row.sealed_secrets = [_sealed(ctx, secret, endpoint_id), *kept][:3]
        row.updated_at = now
        row.save()
        audit.record(
            ctx, action="webhook_endpoint.rotate", resource_type="webhook_endpoint",
            resource_id=endpoint_id,
        )  # fmt: skip
        return {**represent(row), "secret": secret}


def delete_endpoint(ctx: Context, endpoint_id: str) -> None:
    """Forget the endpoint and its deliveries. Commits. Raises: NOT_FOUND."""
    with atomic():
        row = _require(store.endpoint_for_update(endpoint_id), endpoint_id)
        before = represent(row)
        store.delete_endpoint(endpoint_id)
        audit.record(
            ctx, action="webhook_endpoint.delete", resource_type="webhook_endpoint",
            resource_id=endpoint_id, before=before,
        )  # fmt: skip


def open_secrets(ctx: Context, row: store.WebhookEndpoint) -> list[str]:
    """The secrets that sign now, newest first; never show them."""
    now = ctx.now_ms()
    return [
        ctx.app.vault.open_text(entry["sealed"], binding=row.id)
        for entry in row.sealed_secrets
        if entry["until"] is None or entry["until"] > now
    ]


def represent(row: store.WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "description": row.description,
        "enabled": row.enabled,
        "disabled_reason": row.disabled_reason,
        "failing_since": timestamp(row.failing_since),
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def _sealed(ctx: Context, secret: str, endpoint_id: str) -> dict[str, Any]:
    return {"sealed": ctx.app.vault.seal_text(secret, binding=endpoint_id), "until": None}


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _check_events(patterns: list[str]) -> None:
    try:
        catalogue.expand(patterns)
    except ValueError as exc:
        raise ValidationFailed("events", str(exc)) from exc
    if not patterns:
        raise ValidationFailed("events", "Name at least one event or pattern.")


def _require(row: store.WebhookEndpoint | None, endpoint_id: str) -> store.WebhookEndpoint:
    if row is None:
        raise NotFound("There is no such webhook endpoint.", endpoint_id=endpoint_id)
    return row
