"""API keys: who may call, with which scopes, and when they last did."""

from collections.abc import Iterable, Sequence

from offerhub_tui.formatting import age, full_time
from offerhub_tui.gateway import ApiKey, Event
from offerhub_tui.messages import Topic
from offerhub_tui.screens.base import Action, ListView
from offerhub_tui.states import label, tone_of
from offerhub_tui.widgets.rows import Cell, Column, Row


class KeysView(ListView):
    """Keys without their secrets. Creating and revoking are in the action menu."""

    noun = "keys"
    empty = "No keys."
    columns = (
        Column("key", "Key", 25),
        Column("name", "Name", 10, grow=True),
        Column("scopes", "Scopes", 24),
        Column("state", "State", 10),
        Column("used", "Used", 4, align="right"),
        Column("expires", "Expires (UTC)", 19, priority=1),
        Column("created", "Created (UTC)", 19, priority=2),
    )

    def topics(self) -> Sequence[Topic]:
        return (("keys",),)

    def touched_by(self, events: Iterable[Event]) -> Sequence[Topic]:
        return self.topics() if any(e.event_type.startswith("key.") for e in events) else ()

    def rows(self) -> Sequence[Row]:
        return [self._row(key) for key in self.source.listed.items]

    def _row(self, key: ApiKey) -> Row:
        now = self.console.now()
        state = "ACTIVE"
        if key.revoked_at is not None:
            state = "REVOKED"
        elif key.expires_at is not None and key.expires_at <= now:
            state = "EXPIRED"
        return Row(
            key.id,
            {
                "key": Cell(key.id),
                "name": Cell(key.name),
                "scopes": Cell(",".join(key.scopes)),
                "state": Cell(label(state), tone_of(state)),
                "used": Cell(age(key.last_used_at, now)),
                "expires": Cell(full_time(key.expires_at)),
                "created": Cell(full_time(key.created_at)),
            },
            data=key,
        )

    def actions(self) -> Sequence[Action]:
        found = [Action("key.create", "Create a key", "admin")]
        key = self.cursor.data if self.cursor else None
        if isinstance(key, ApiKey) and key.revoked_at is None:
            found.append(Action("key.revoke", f"Revoke {key.name} ({key.id})", "admin", key))
        return found
