"""Outgoing webhooks: endpoints of the marketplace and deliveries to them."""

from peewee import BigIntegerField, BooleanField, CharField, IntegerField, TextField

from offerhub.store.fields import JSONText, Millis, Table


class WebhookEndpoint(Table):
    """`sealed_secrets` holds the signing secrets, newest first (rotation overlaps)."""

    id = CharField(primary_key=True)
    url = TextField()
    events = JSONText()
    description = TextField(null=True)
    sealed_secrets = JSONText()
    enabled = BooleanField(default=True)
    disabled_reason = TextField(null=True)
    failing_since = Millis(null=True)
    cursor = BigIntegerField(default=0)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "webhook_endpoints"


class WebhookDelivery(Table):
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
