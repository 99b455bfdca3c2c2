"""Outgoing webhooks: endpoints of the marketplace and deliveries to them.

When a delivery is attempted next is also how long one who attempts it has it. So all of these
times, and an endpoint's quiet one, go by the clock of leases (`leases.moment`).
"""

from peewee import BigIntegerField, BooleanField, CharField, IntegerField, TextField, Value, fn

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Table
from offerhub.store.leases import Moment
from offerhub.store.paging import Rows, page


class WebhookEndpoint(Table):
    """`sealed_secrets`: [{sealed, until}], newest first; `cursor`: the last event fanned out.

    quiet_until: before then nothing new is sent, for it had no time or did not answer.
    """

    id = CharField(primary_key=True)
    url = TextField()
    events = JSONText()
    description = TextField(null=True)
    sealed_secrets = JSONText()
    enabled = BooleanField(default=True)
    disabled_reason = TextField(null=True)
    failing_since = Millis(null=True)
    cursor = BigIntegerField(default=0)
    quiet_until = Millis(null=True)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "webhook_endpoints"


class WebhookDelivery(Table):
    """One event to one endpoint. status: PENDING, SUCCEEDED or FAILED (out of attempts)."""

    id = CharField(primary_key=True)
    endpoint_id = CharField()
    event_id = CharField()
    status = CharField()
    attempts = IntegerField(default=0)
    next_attempt_at = Millis(null=True)
    last_status_code = IntegerField(null=True)
    last_error = TextField(null=True)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "webhook_deliveries"


def get_endpoint(endpoint_id: str) -> WebhookEndpoint | None:
    return WebhookEndpoint.get_or_none(WebhookEndpoint.id == endpoint_id)


def endpoint_for_update(endpoint_id: str) -> WebhookEndpoint | None:
    """Locks the row."""
    query = WebhookEndpoint.select().where(WebhookEndpoint.id == endpoint_id)
    return for_update(query).get_or_none()


def listed_endpoints(*, limit: int, cursor: str | None) -> Rows:
    return page(
        WebhookEndpoint.select(),
        limit=limit,
        cursor=cursor,
        by=WebhookEndpoint.created_at,
        tie=WebhookEndpoint.id,
    )


def behind(head_sequence: int) -> list[str]:
    """Ids of enabled endpoints that have not seen all events up to `head_sequence`."""
    query = WebhookEndpoint.select(WebhookEndpoint.id).where(
        WebhookEndpoint.enabled & (WebhookEndpoint.cursor < head_sequence)
    )
    return [row.id for row in query]


def insert(rows: list[dict[str, object]]) -> None:
    """Deliveries to be made; one that exists for its event stays as it is."""
    if rows:
        WebhookDelivery.insert_many(rows).on_conflict_ignore().execute()


def get(delivery_id: str) -> WebhookDelivery | None:
    return WebhookDelivery.get_or_none(WebhookDelivery.id == delivery_id)


def get_for_update(delivery_id: str) -> WebhookDelivery | None:
    """Locks the row."""
    query = WebhookDelivery.select().where(WebhookDelivery.id == delivery_id)
    return for_update(query).get_or_none()


def listed(endpoint_id: str, *, limit: int, cursor: str | None, status: str | None = None) -> Rows:
    query = WebhookDelivery.select().where(WebhookDelivery.endpoint_id == endpoint_id)
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    return page(
        query, limit=limit, cursor=cursor, by=WebhookDelivery.created_at, tie=WebhookDelivery.id
    )


def due_endpoints(*, now: Moment) -> list[str]:
    """Ids of enabled endpoints that have a delivery to attempt now; the longest known first."""
    due = WebhookDelivery.select(Value(1)).where(
        (WebhookDelivery.endpoint_id == WebhookEndpoint.id)
        & (WebhookDelivery.status == "PENDING")
        & (WebhookDelivery.next_attempt_at <= now)
    )
    query = (
        WebhookEndpoint.select(WebhookEndpoint.id)
        .where(WebhookEndpoint.enabled & fn.EXISTS(due))
        .order_by(WebhookEndpoint.created_at, WebhookEndpoint.id)
    )
    return [row.id for row in query]


def claim_due(endpoint_id: str, *, now: Moment, lease_ms: int, limit: int) -> list[WebhookDelivery]:
    """Take an endpoint's due deliveries; nobody else gets them before `lease_ms` is over.

    All of them then have one `next_attempt_at`, by which `renew` knows them.
    """
    due = (
        WebhookDelivery.select(WebhookDelivery.id)
        .where(
            (WebhookDelivery.endpoint_id == endpoint_id)
            & (WebhookDelivery.status == "PENDING")
            & (WebhookDelivery.next_attempt_at <= now)
        )
        .order_by(WebhookDelivery.next_attempt_at)
        .limit(limit)
    )
    query = (
        WebhookDelivery.update(next_attempt_at=now + lease_ms)
        .where(WebhookDelivery.id.in_(for_update(due, skip_locked=True)))
        .returning(WebhookDelivery)
    )
    return list(query.execute())


def renew(delivery_ids: list[str], *, leased_until: int, until: Moment) -> int | None:
    """Make claims that end at `leased_until` last until then; one that is not so any more stays.

    Returns until when, in epoch ms; None when there was none.
    """
    query = (
        WebhookDelivery.update(next_attempt_at=until)
        .where(
            WebhookDelivery.id.in_(delivery_ids)
            & (WebhookDelivery.status == "PENDING")
            & (WebhookDelivery.next_attempt_at == leased_until)
        )
        .returning(WebhookDelivery.next_attempt_at)
    )
    return next((int(row.next_attempt_at) for row in query.execute()), None)


def put_off(endpoint_id: str, *, until: int) -> None:
    """Have no delivery of an endpoint attempted before then, made already or not."""
    WebhookEndpoint.update(quiet_until=until).where(WebhookEndpoint.id == endpoint_id).execute()
    WebhookDelivery.update(next_attempt_at=until).where(
        (WebhookDelivery.endpoint_id == endpoint_id)
        & (WebhookDelivery.status == "PENDING")
        & (WebhookDelivery.next_attempt_at < until)
    ).execute()


def delete_endpoint(endpoint_id: str) -> None:
    """The endpoint and its deliveries."""
    WebhookDelivery.delete().where(WebhookDelivery.endpoint_id == endpoint_id).execute()
    WebhookEndpoint.delete().where(WebhookEndpoint.id == endpoint_id).execute()
