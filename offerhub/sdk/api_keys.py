"""API keys and the short-lived tokens made from them. Keys need the admin scope."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from offerhub.sdk.account_models import ApiKey, NewApiKey, Token
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.records import time_text
from offerhub.sdk.resources import Resources, path_of


class ApiKeys(Resources):
    def create(
        self,
        *,
        name: str,
        scopes: Sequence[str],
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> NewApiKey:
        """Make a key. Its secret is in `.key`, this once. Scopes: read, write, support, admin."""
        body = {"name": name, "scopes": list(scopes), "expires_at": time_text(expires_at)}
        answer = self._http.change("POST", "/auth/api-keys", body, idempotency_key=idempotency_key)
        return NewApiKey.from_json(answer.data)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ApiKey]:
        """One page of keys, without their secrets."""
        return read_page(
            self._asking("/auth/api-keys"),
            ApiKey.from_json,
            filters={"limit": limit},
            cursor=cursor,
        )

    def iterate(self) -> Iterator[ApiKey]:
        """Every key, newest first."""
        return self.list(limit=100).every_item()

    def revoke(self, key_id: str, *, idempotency_key: str | None = None) -> None:
        """End a key and its tokens at once. Raises: ApiKeyNotFound."""
        self._http.change(
            "DELETE", path_of("auth", "api-keys", key_id), idempotency_key=idempotency_key
        )

    def mint_token(
        self,
        key_id: str,
        *,
        ttl_seconds: int | None = None,
        scopes: Sequence[str] | None = None,
        user_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Token:
        """A token of this key, for 60 to 3600 s, bound to one user if `user_id` is given."""
        body = {
            "ttl_seconds": ttl_seconds,
            "scopes": None if scopes is None else list(scopes),
            "user_id": user_id,
        }
        answer = self._http.change(
            "POST",
            path_of("auth", "api-keys", key_id, "token"),
            body,
            idempotency_key=idempotency_key,
        )
        return Token.from_json(answer.data)
