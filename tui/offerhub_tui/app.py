"""The console's shell: one frame around the screens, and the only place where things meet.

It owns the session, the snapshots, the link and the history; screens see it as a `Console`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Container
from textual.widgets import Footer, Input

from offerhub_tui.commands import COMMANDS as TABLE
from offerhub_tui.commands import app_bindings, check_keys
from offerhub_tui.dialogs.go_to import GoTo
from offerhub_tui.dialogs.help import Help
from offerhub_tui.filters import parse
from offerhub_tui.gateway import Config, Event, Gateway, Me, row_json
from offerhub_tui.link import Freshness
from offerhub_tui.live import REREAD_S, Live
from offerhub_tui.messages import (
    ChangeDone,
    ChangeRefused,
    ChangeUnknown,
    Failed,
    Loaded,
    Topic,
)
from offerhub_tui.mutations import Mutations
from offerhub_tui.navigation import History, Place
from offerhub_tui.palette import Commands
from offerhub_tui.profiles import Profile
from offerhub_tui.registry import DIGITS, HOME, SCREENS
from offerhub_tui.screens.base import View
from offerhub_tui.session import Session
from offerhub_tui.snapshots import Snapshots
from offerhub_tui.themes import DARK, THEMES, after
from offerhub_tui.widgets.lines import Banner, Crumbs, FreshnessLine
from offerhub_tui.widgets.record_list import RecordList

FLUSH_S = 0.25
TICK_S = 1.0
POLL_TICKS = 5
"""While there is no stream, the screen is read again every so many ticks."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class OperatorApp(App[None]):
    """`transport`, `now` and `reread_s` replace the network, the clock and patience in tests."""

    TITLE = "OfferHub"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [*app_bindings(DIGITS)]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        profile: Profile,
        *,
        write: bool = False,
        theme: str = DARK.name,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
        screenshots: Path | None = None,
        reread_s: float = REREAD_S,
    ) -> None:
        check_keys(TABLE, taken=DIGITS)
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.now = now
        self.masking = False
        self.session = Session(unlocked=write, used_at=now())
        self.snapshots = Snapshots()
        self.live = Live(reread_s=reread_s)
        self.history = History()
        self.history.start(Place(HOME))
        self.gateway = Gateway(profile, post=self.post_message, now=now, transport=transport)
        self.mutations = Mutations(self)
        self._screenshots = screenshots or Path.cwd()
        self._ticks = 0

    @property
    def recent(self) -> Sequence[Event]:
        return self.live.recent

    @property
    def freshness(self) -> Freshness:
        return self.live.link.freshness(self.now())

    @property
    def view(self) -> View:
        return self.screen_stack[0].query_one("#view", View)

    def compose(self) -> ComposeResult:
        yield Banner(id="banner")
        yield Crumbs(id="crumbs")
        yield Container(id="stage")
        yield Input(placeholder="filter: words, state:… amount:>100 age:>24h", id="filter")
        yield FreshnessLine(id="freshness")
        yield Footer(compact=True, show_command_palette=False)

    async def on_mount(self) -> None:
        self.query_one("#filter").display = False
        await self._arrive()
        self.gateway.start()
        self.load(("me",))
        self.load(("config",))
        self.set_interval(FLUSH_S, self._take_live)
        self.set_interval(TICK_S, self._every_second)

    def on_unmount(self) -> None:
        self.gateway.close()

    # Reading

    def load(self, topic: Topic, cursor: str | None = None) -> None:
        """Ask the gateway for a topic; its snapshot says that it is under way."""
        if self.gateway.load(topic, cursor):
            self.snapshots.of(topic).loading = True

    def on_loaded(self, message: Loaded) -> None:
        self.snapshots.loaded(message.topic, message.value, cursor=message.cursor, at=message.at)
        self.live.link = self.live.link.after_read(message.at)
        self._learn(message.value)
        self._show_all()

    def on_failed(self, message: Failed) -> None:
        self.snapshots.failed(message.topic, message.problem)
        self._show_all()

    def _learn(self, value: Any) -> None:
        """The session is what the appliance says of this key and of itself."""
        if isinstance(value, Me):
            self.session = replace(
                self.session,
                environment=value.environment,
                marketplace_id=value.marketplace_id or self.session.marketplace_id,
                key_name=value.name or value.type,
                scopes=value.scopes,
            )
            if not self.session.can_change_anything:
                self.session = replace(self.session, unlocked=False)
        elif isinstance(value, Config):
            self.session = replace(self.session, marketplace_id=value.marketplace_id)

    # Live updates

    def _take_live(self) -> None:
        now = self.now()
        items = self.gateway.drain()
        flush = self.live.take(items, now) if items else None
        if flush is not None:
            if flush.reread_all:
                self.live.mark(self.view.topics())
                self._meet_again()
            self.live.mark(self.view.touched_by(flush.events))
        for topic in self.live.due(time.monotonic()):
            self.load(topic)
        if items:
            self._show_all()

    def _meet_again(self) -> None:
        """After a lost link the appliance may be another version, the key another key."""
        self.load(("me",))
        self.load(("config",))

    def _every_second(self) -> None:
        self._ticks += 1
        self.session = self.session.relocked_if_idle(self.now())
        if self.live.link.polling and self._ticks % POLL_TICKS == 0:
            self._reread()
        self.view.tick()
        self._show_frame()

    def _reread(self) -> None:
        if not self.session.known:
            self._meet_again()
        for topic in self.view.topics():
            self.load(topic)

    # Showing

    def _show_all(self) -> None:
        self.view.show()
        self._show_frame()

    def _show_frame(self) -> None:
        frame = self.screen_stack[0]
        view, problem = self.view, self.view.problem
        frame.query_one(Banner).show(self.session)
        frame.query_one(Crumbs).show(self.history.trail, self.history.here, note=view.note)
        note = ""
        if problem is not None and not problem.offline:
            note = f"▲ {problem.line()}"
        frame.query_one(FreshnessLine).show(
            self.live.link,
            now=self.now(),
            data_at=view.data_at,
            paused=len(self.live.held) if self.live.paused else None,
            note=note,
        )
        offline = self.freshness is Freshness.OFFLINE
        frame.query_one("#stage").set_class(offline, "offline")

    async def _arrive(self) -> None:
        """Put the screen of the present place on the stage."""
        place = self.history.here
        stage = self.screen_stack[0].query_one("#stage")
        await stage.remove_children()
        self.gateway.forget_slow()
        view = SCREENS[place.screen].view(self, place.subject)
        await stage.mount(view)
        self._set_filter(place.filter_text)
        for found in view.query(RecordList):
            found.seek(place.cursor_id)
            found.focus()
        for topic in view.topics():
            self.load(topic)
        self._show_all()

    def _set_filter(self, text: str) -> None:
        field = self.screen_stack[0].query_one("#filter", Input)
        with self.prevent(Input.Changed):
            field.value = text
        field.display = bool(text)
        self.view.set_filter(parse(text))

    async def _leave_for(self, move: Callable[[], object]) -> None:
        field = self.screen_stack[0].query_one("#filter", Input)
        self.history.remember(cursor_id=self.view.cursor_id, filter_text=field.value)
        if move() is not False:
            await self._arrive()

    # Going about

    def drill(self, place: Place) -> None:
        self.run_worker(self._leave_for(lambda: self.history.drill(place)))

    async def action_go(self, name: str, subject: str = "") -> None:
        await self._leave_for(lambda: self.history.go(Place(name, subject)))

    async def action_back(self) -> None:
        field = self.query_one("#filter", Input)
        if field.display:
            self._set_filter("")
            self._focus_list()
            self._show_frame()
        else:
            await self._leave_for(self.history.up)

    async def action_history(self, steps: int) -> None:
        await self._leave_for(lambda: self.history.move(steps))

    async def action_last(self) -> None:
        await self._leave_for(self.history.last)

    @work
    async def action_goto(self) -> None:
        found = await self.push_screen_wait(GoTo())
        if found is not None:
            await self.action_go(*found)

    def action_help(self) -> None:
        self.push_screen(Help(self.disabled_now()))

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self.view.set_filter(parse(event.value))
            self._show_frame()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter":
            event.input.display = bool(event.value)
            self._focus_list()

    def _focus_list(self) -> None:
        for found in self.view.query(RecordList):
            found.focus()

    # Changes

    @work
    async def action_actions(self) -> None:
        await self.mutations.choose()

    @work
    async def action_lock(self) -> None:
        await self.mutations.toggle_lock()
        self._show_frame()

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
        self._reread()

    def action_pause(self) -> None:
        flush = self.live.toggle_pause()
        self.live.mark(self.view.touched_by(flush.events))
        self._show_all()

    def action_next_theme(self) -> None:
        self.theme = after(self.theme)
        self.notify(f"Theme: {self.theme}", timeout=2)

    def action_copy_id(self) -> None:
        if self.view.cursor_id:
            self.copy_to_clipboard(self.view.cursor_id)
            self.notify(f"Copied {self.view.cursor_id}", timeout=2, markup=False)

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

    def on_key(self, event: events.Key) -> None:
        self.session = self.session.touched(self.now())
