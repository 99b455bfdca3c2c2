"""The console: what the operator can command, on top of the shell. One action per command."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import httpx
from textual import work
from textual.binding import BindingType
from textual.command import Provider
from textual.filter import LineFilter
from textual.widgets import Input

from offerhub_tui.commands import COMMANDS as TABLE
from offerhub_tui.commands import app_bindings, check_keys
from offerhub_tui.dialogs.go_to import GoTo
from offerhub_tui.dialogs.help import Help
from offerhub_tui.filters import parse
from offerhub_tui.gateway import Backoff, row_json
from offerhub_tui.live import REREAD_S
from offerhub_tui.messages import ChangeDone, ChangeRefused, ChangeUnknown
from offerhub_tui.mutations import Mutations
from offerhub_tui.navigation import Place
from offerhub_tui.palette import Commands
from offerhub_tui.printable import Unarmed
from offerhub_tui.profiles import Profile
from offerhub_tui.registry import DIGITS
from offerhub_tui.shell import Shell, utc_now
from offerhub_tui.themes import DARK, THEMES, after


class OperatorApp(Shell):
    """The whole console. See `Shell` for what tests replace."""

    TITLE = "OfferHub"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [*app_bindings(DIGITS)]

    def __init__(
        self,
        profile: Profile,
        *,
        write: bool = False,
        theme: str = DARK.name,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
        reread_s: float = REREAD_S,
        backoff: Backoff | None = None,
        screenshots: Path | None = None,
    ) -> None:
        check_keys(TABLE, taken=DIGITS)
        super().__init__(
            profile,
            write=write,
            transport=transport,
            now=now,
            reread_s=reread_s,
            backoff=backoff,
        )
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.masking = False
        self.mutations = Mutations(self)
        self._screenshots = screenshots or Path.cwd()
        self._unarmed = Unarmed()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes before it is drawn."""
        return [*super().get_line_filters(), self._unarmed]

    # Going about

    async def action_go(self, name: str, subject: str = "") -> None:
        await self.leave_for(lambda: self.history.go(Place(name, subject)))

    async def action_back(self) -> None:
        if self.filter_field.display:
            self.set_filter("")
            self.focus_list()
            self.show_frame()
        else:
            await self.leave_for(self.history.up)

    async def action_history(self, steps: int) -> None:
        await self.leave_for(lambda: self.history.move(steps))

    async def action_last(self) -> None:
        await self.leave_for(self.history.last)

    @work
    async def action_goto(self) -> None:
        found = await self.push_screen_wait(GoTo())
        if found is not None:
            await self.action_go(*found)

    def action_help(self) -> None:
        self.push_screen(Help(self.disabled_now()))

    def action_filter(self) -> None:
        self.filter_field.display = True
        self.filter_field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input is self.filter_field:
            self.view.set_filter(parse(event.value))
            self.show_frame()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is self.filter_field:
            event.input.display = bool(event.value)
            self.focus_list()

    # Changes

    @work
    async def action_actions(self) -> None:
        await self.mutations.choose()

    @work
    async def action_lock(self) -> None:
        await self.mutations.toggle_lock()
        self.show_frame()

    @work
    async def on_change_done(self, message: ChangeDone) -> None:
        await self.mutations.done(message)

    def on_change_refused(self, message: ChangeRefused) -> None:
        self.mutations.refused(message)

    def on_change_unknown(self, message: ChangeUnknown) -> None:
        self.mutations.unknown(message)

    def disabled_now(self) -> list[tuple[str, str]]:
        """What this screen could change but not now, and why."""
        actions = self.view.actions()
        reasons = [(a.title, self.session.why_not(a.scope, self.freshness)) for a in actions]
        return [(title, why) for title, why in reasons if why is not None]

    # Small things

    def action_refresh_now(self) -> None:
        self.gateway.reconnect_now()
        self.reread()

    def action_pause(self) -> None:
        flush = self.live.toggle_pause()
        self.live.mark(self.view.touched_by(flush.events))
        self.show_all()

    def action_next_theme(self) -> None:
        self.theme = after(self.theme)
        self.notify(f"Theme: {self.theme}", timeout=2)

    def action_copy_id(self) -> None:
        ident = self.view.cursor_id
        if ident:
            self.copy_to_clipboard(ident)
            self.notify(f"Copied {ident}", timeout=2, markup=False)

    def action_copy_json(self) -> None:
        row = self.view.cursor
        text = row_json(row.data) if row else ""
        if text:
            self.copy_to_clipboard(text)
            self.notify("Copied the row as JSON", timeout=2)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        saved = self.save_screenshot(filename, path or str(self._screenshots))
        self.notify(f"Saved {saved}", markup=False)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """The screen as SVG, with every secret masked."""
        self.masking = True
        try:
            return super().export_screenshot(title=title, simplify=simplify)
        finally:
            self.masking = False
