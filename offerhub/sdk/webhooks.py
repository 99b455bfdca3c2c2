"""Your webhook endpoints, and the deliveries to them. All need the admin scope.

Verifying what arrives is not here: see docs/api/webhooks.md.
"""

from collections.abc import Iterator, Sequence

from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.resources import Resources, path_of
from offerhub.sdk.webhook_models import (
    NewWebhookEndpoint,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookTest,
)


class Webhooks(Resources):
    def create(
        self,
        *,
        url: str,
        events: Sequence[str],
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> NewWebhookEndpoint:
        """Have events posted to `url` from now on. Its secret is in `.secret`, this once.

        `events`: types, patterns such as `order.*`, or `*`. Raises: ValidationError.
        """
        body = {"url": url, "events": list(events), "description": description}
        answer = self._http.change(
            "POST", "/webhook-endpoints", body, idempotency_key=idempotency_key
        )
        return NewWebhookEndpoint.from_json(answer.data)

    def get(self, endpoint_id: str) -> WebhookEndpoint:
        """Raises: NotFound."""
        path = path_of("webhook-endpoints", endpoint_id)
        return WebhookEndpoint.from_json(self._http.get(path).data)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[WebhookEndpoint]:
        """One page of endpoints, newest first, without their secrets; `limit` 1 to 100."""
        return read_page(
            self._asking("/webhook-endpoints"),
            WebhookEndpoint.from_json,
            filters={"limit": limit},
            cursor=cursor,
        )

    def iterate(self) -> Iterator[WebhookEndpoint]:
        """Every endpoint, newest first, a hundred per request."""
        return self.list(limit=100).every_item()

    def update(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
    ) -> WebhookEndpoint:
        """Change what is given. Enabled again, it goes on with the event after the last one sent.

        Raises: NotFound, ValidationError.
        """
        body = {
            "url": url,
            "events": None if events is None else [*events],
            "description": description,
            "enabled": enabled,
        }
        path = path_of("webhook-endpoints", endpoint_id)
        answer = self._http.change("PATCH", path, body, idempotency_key=None)
        return WebhookEndpoint.from_json(answer.data)

    def delete(self, endpoint_id: str) -> None:
        """Forget the endpoint and its deliveries. Raises: NotFound."""
        path = path_of("webhook-endpoints", endpoint_id)
        self._http.change("DELETE", path, idempotency_key=None)

    def rotate_secret(
        self, endpoint_id: str, *, idempotency_key: str | None = None
    ) -> NewWebhookEndpoint:
        """A new `.secret`, shown this once; for a day both sign. Raises: NotFound."""
        path = path_of("webhook-endpoints", endpoint_id, "rotate-secret")
        answer = self._http.change("POST", path, {}, idempotency_key=idempotency_key)
        return NewWebhookEndpoint.from_json(answer.data)

    def test(self, endpoint_id: str, *, idempotency_key: str | None = None) -> WebhookTest:
        """Send a signed sample now, and say what came back. Raises: NotFound."""
        path = path_of("webhook-endpoints", endpoint_id, "test")
        answer = self._http.change("POST", path, {}, idempotency_key=idempotency_key)
        return WebhookTest.from_json(answer.data)

    def deliveries(
        self,
        endpoint_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: str | None = None,
    ) -> Page[WebhookDelivery]:
        """One page of what was sent or will be, newest first; `limit` 1 to 100.

        `status`: PENDING, SUCCEEDED, FAILED or DISCARDED. Raises: NotFound.
        """
        return read_page(
            self._asking(path_of("webhook-endpoints", endpoint_id, "deliveries")),
            WebhookDelivery.from_json,
            filters={"limit": limit, "status": status},
            cursor=cursor,
        )

    def iterate_deliveries(
        self, endpoint_id: str, *, status: str | None = None
    ) -> Iterator[WebhookDelivery]:
        """Every delivery to the endpoint, newest first, a hundred per request."""
        return self.deliveries(endpoint_id, limit=100, status=status).every_item()

    def replay(self, delivery_id: str, *, idempotency_key: str | None = None) -> WebhookDelivery:
        """Send one again from its first attempt, with the same event id. Raises: NotFound."""
        path = path_of("webhook-deliveries", delivery_id, "replay")
        answer = self._http.change("POST", path, {}, idempotency_key=idempotency_key)
        return WebhookDelivery.from_json(answer.data)
