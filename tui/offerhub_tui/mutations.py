"""Changing things: the lock, the action menu, typed confirmations, and outcomes.

Every change goes through `_confirm_and_perform`; nothing else calls the gateway's `perform`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from offerhub_tui.changes import Change, CreateKey, RevokeKey
from offerhub_tui.dialogs.action_menu import ActionMenu
from offerhub_tui.dialogs.confirm import TypedConfirmation, phrase_for
from offerhub_tui.dialogs.new_key import NewKey
from offerhub_tui.dialogs.show_secret import ShowSecret
from offerhub_tui.gateway import ApiKey, NewApiKey
from offerhub_tui.messages import ChangeDone, ChangeRefused, ChangeUnknown
from offerhub_tui.screens.base import Action

if TYPE_CHECKING:
    from offerhub_tui.app import OperatorApp


class Mutations:
    """The dialogs around changes. Its methods that open dialogs must run in a worker."""

    def __init__(self, app: "OperatorApp") -> None:
        self._app = app

    def offered(self) -> Sequence[tuple[Action, str | None]]:
        """The actions of the screen that this key may ever do, and why not now, if so."""
        app = self._app
        return [
            (action, app.session.why_not(action.scope, app.freshness))
            for action in app.view.actions()
            if app.session.holds(action.scope)
        ]

    def why_none(self) -> str:
        """Why the action menu is empty."""
        asked = self._app.view.actions()
        if not asked:
            return "Nothing can be changed on this screen."
        if not self._app.session.known:
            return "The appliance has not answered yet."
        scopes = sorted({action.scope for action in asked})
        return f"This key cannot change anything here: needs scope {' or '.join(scopes)}."

    async def choose(self) -> None:
        """The action menu, and what was chosen from it."""
        offered = self.offered()
        if not offered:
            self._app.notify(self.why_none(), severity="warning")
            return
        action = await self._app.push_screen_wait(ActionMenu(offered))
        if action is None:
            return
        if action.id == "key.create":
            change: Change | None = await self._app.push_screen_wait(NewKey())
            if change is not None:
                await self._confirm_and_perform(change, scope=action.scope)
        elif isinstance(action.subject, ApiKey):
            key = action.subject
            await self._confirm_and_perform(
                RevokeKey(key_id=key.id, name=key.name), scope=action.scope
            )

    async def _confirm_and_perform(self, change: Change, *, scope: str) -> None:
        """Ask for the phrase; then look once more whether the change may be made, and make it."""
        words, lines = said_of(change)
        phrase = phrase_for(words, environment=self._app.session.environment)
        dialog = TypedConfirmation(title=change.title.capitalize(), lines=lines, phrase=phrase)
        if not await self._app.push_screen_wait(dialog):
            return
        why_not = self._app.session.why_not(scope, self._app.freshness)
        if why_not is not None:
            self._app.notify(f"Not done: {why_not}.", severity="error")
            return
        self._app.gateway.perform(change)
        self._app.notify(f"Asked to {change.title}…", timeout=2, markup=False)

    async def toggle_lock(self) -> None:
        """Read-only at once; back only with the name of the environment."""
        app = self._app
        if app.session.unlocked:
            app.session = replace(app.session, unlocked=False)
            app.notify("Read-only.", timeout=2)
            return
        if not app.session.known:
            app.notify("The appliance has not answered yet.", severity="warning")
            return
        if not app.session.can_change_anything:
            app.notify("This key can only read.", severity="warning")
            return
        dialog = TypedConfirmation(
            title="Unlock changes",
            lines=[
                "Changes act on the running appliance.",
                "It locks itself after 10 idle minutes.",
            ],
            phrase=app.session.environment,
        )
        if await app.push_screen_wait(dialog):
            app.session = replace(app.session, unlocked=True, used_at=app.now())

    async def done(self, message: ChangeDone) -> None:
        """Show the outcome; the secret of a new key in its own window."""
        app = self._app
        app.load(("keys",))
        if isinstance(message.value, NewApiKey):
            await app.push_screen_wait(
                ShowSecret(name=message.value.name, secret=message.value.key)
            )
        else:
            app.notify(f"Done: {message.change.title}.", markup=False)

    def refused(self, message: ChangeRefused) -> None:
        self._app.notify(
            f"Not done: {message.change.title}. {message.problem.line()}",
            severity="error",
            timeout=10,
            markup=False,
        )

    def unknown(self, message: ChangeUnknown) -> None:
        self._app.notify(
            f"Outcome unknown: {message.change.title}. Checking with the same key…",
            severity="warning",
            timeout=8,
            markup=False,
        )


def said_of(change: Change) -> tuple[str, list[str]]:
    """The phrase to type for a change, and what the dialog says about it."""
    if isinstance(change, CreateKey):
        scopes = ", ".join(change.scopes)
        return f"create {change.name}", [f"A new key with scopes {scopes}, without expiry."]
    return (
        f"revoke {change.key_id}",
        [
            f"Key {change.key_id} ({change.name}) and its tokens stop working at once.",
            "This cannot be undone.",
        ],
    )
