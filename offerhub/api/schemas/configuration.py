"""What the deployment is and how it is."""

from marshmallow import Schema, fields

from offerhub.api.schemas.fields import shown_choice, shown_object, shown_text, shown_time


class Fees(Schema):
    platform_fee_bps = fields.Integer(required=True)
    protocol_fee_bps = fields.Integer(required=True)
    airtm_fee_bearer = shown_choice(("user", "platform"))


class Configuration(Schema):
    marketplace_id = shown_text()
    environment = shown_choice(("demo", "sandbox", "production"))
    currency = shown_choice(("USD",))
    currencies = fields.List(shown_choice(("USD",)), required=True)
    features = shown_object(description="What this version can do, by name.")
    limits = shown_object(description="Bounds of requests, each named with its unit.")
    providers = shown_object(description="The outside world, without any secret.")
    fees = fields.Nested(Fees, required=True)


STATUSES = ("healthy", "degraded", "unhealthy")


class Health(Schema):
    status = shown_choice(STATUSES)
    components = shown_object(
        description="By name: status, and what is known in numbers. A component that is not "
        "checked yet says degraded."
    )
    checked_at = shown_time()


class Alive(Schema):
    status = shown_choice(STATUSES)
