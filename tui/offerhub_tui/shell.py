"""The shell: one frame around the screens. It reads, shows, and knows where the operator is.

It owns the session, the snapshots, the link and the history; screens see it as a `Console`.
What the operator can command is in `app`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
from textual import events
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer, Input

from offerhub_tui.filters import parse
from offerhub_tui.gateway import Backoff, Config, Event, Gateway, Me
from offerhub_tui.link import Freshness
from offerhub_tui.live import REREAD_S, Live
from offerhub_tui.messages import Failed, Loaded, Topic
from offerhub_tui.navigation import History, Place
from offerhub_tui.profiles import Profile
from offerhub_tui.registry import HOME, SCREENS
from offerhub_tui.screens.base import View
from offerhub_tui.session import Session
from offerhub_tui.snapshots import Snapshots
from offerhub_tui.widgets.lines import Banner, Crumbs, FreshnessLine
from offerhub_tui.widgets.record_list import RecordList

FLUSH_S = 0.25
TICK_S = 1.0
POLL_TICKS = 5
"""While there is no stream, the screen is read again every so many ticks."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Shell(App[None]):
    """`transport`, `now`, `reread_s` and `backoff` replace network, clock and patience in tests."""

    def __init__(
        self,
        profile: Profile,
        *,
        write: bool = False,
        transport: httpx.BaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
        reread_s: float = REREAD_S,
        backoff: Backoff | None = None,
    ) -> None:
        super().__init__()
        self.now = now
        self.session = Session(unlocked=write, used_at=now())
        self.snapshots = Snapshots()
        self.live = Live(reread_s=reread_s)
        self.history = History()
        self.history.start(Place(HOME))
        self.gateway = Gateway(
            profile, post=self.post_message, now=now, transport=transport, backoff=backoff
        )
        self.view: View = SCREENS[HOME].view(self, "")
        self._on_stage = False
        self._moving = asyncio.Lock()
        self._ticks = 0

    @property
    def _showing(self) -> bool:
        """Whether there is a screen to draw: not while one comes, nor while the program ends."""
        return self._on_stage and self.is_running

    @property
    def recent(self) -> Sequence[Event]:
        return self.live.recent

    @property
    def freshness(self) -> Freshness:
        return self.live.link.freshness(self.now())

    @property
    def frame(self) -> Screen[Any]:
        """The screen with the frame, also while a window is open above it."""
        return self.screen_stack[0]

    @property
    def filter_field(self) -> Input:
        return self.frame.query_one("#filter", Input)

    def compose(self) -> ComposeResult:
        yield Banner(id="banner")
        yield Crumbs(id="crumbs")
        yield Container(id="stage")
        yield Input(placeholder="filter: words, state:… amount:>100 age:>24h", id="filter")
        yield FreshnessLine(id="freshness")
        yield Footer(compact=True, show_command_palette=False)

    async def on_mount(self) -> None:
        self.gateway.start()
        self._meet()
        await self._arrive()
        self.set_interval(FLUSH_S, self._take_live)
        self.set_interval(TICK_S, self._every_second)

    def on_unmount(self) -> None:
        self.gateway.close()

    def on_key(self, event: events.Key) -> None:
        self.session = self.session.touched(self.now())

    # Reading

    def load(self, topic: Topic, cursor: str | None = None) -> None:
        """Ask the gateway for a topic; its snapshot says that it is under way."""
        if self.gateway.load(topic, cursor):
            self.snapshots.of(topic).loading = True

    def reread(self) -> None:
        """Read everything on the screen again, and who we are, if that is not known yet."""
        if not self.session.known:
            self._meet()
        for topic in self.view.topics():
            self.load(topic)

    def _meet(self) -> None:
        """Ask who we are and where: the appliance may be another version, the key another key."""
        self.load(("me",))
        self.load(("config",))

    def on_loaded(self, message: Loaded) -> None:
        self.snapshots.loaded(message.topic, message.value, cursor=message.cursor, at=message.at)
        self.live.link = self.live.link.after_read(message.at)
        if message.topic[0] == "recent":
            self.live.backfill(message.value.items)
        self._learn(message.value)
        self.show_all()

    def on_failed(self, message: Failed) -> None:
        self.snapshots.failed(message.topic, message.problem)
        if message.problem.offline:
            self.live.link = self.live.link.after_unreachable()
        self.show_all()

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
        """Four times a second: everything that came since, in one repaint."""
        if not self._showing:
            return
        items = self.gateway.drain()
        if items:
            flush = self.live.take(items, self.now())
            if flush.reread_all:
                self.live.mark(self.view.topics())
                self._meet()
            self.live.mark(self.view.touched_by(flush.events))
        for topic in self.live.due(time.monotonic()):
            self.load(topic)
        if items:
            self.show_all()

    def _every_second(self) -> None:
        self._ticks += 1
        self.session = self.session.relocked_if_idle(self.now())
        if self.live.link.polling and self._ticks % POLL_TICKS == 0:
            self.reread()
        if self._showing:
            self.view.tick()
            self.show_frame()

    # Showing

    def show_all(self) -> None:
        """Render what is known now."""
        if self._showing:
            self.view.show()
            self.show_frame()

    def show_frame(self) -> None:
        """Render the lines around the screen."""
        view, problem = self.view, self.view.problem
        self.frame.query_one(Banner).show(self.session)
        self.frame.query_one(Crumbs).show(self.history.trail, self.history.here, note=view.note)
        note = f"▲ {problem.line()}" if problem is not None and not problem.offline else ""
        self.frame.query_one(FreshnessLine).show(
            self.live.link,
            now=self.now(),
            data_at=view.data_at,
            paused=len(self.live.held) if self.live.paused else None,
            note=note,
        )
        self.frame.query_one("#stage").set_class(self.freshness is Freshness.OFFLINE, "offline")

    # Places

    def drill(self, place: Place) -> None:
        self.run_worker(self.leave_for(lambda: self.history.drill(place)))

    async def leave_for(self, move: Callable[[], object]) -> None:
        """Leave this place by a move of the history; nothing happens if it answers False."""
        async with self._moving:
            self.history.remember(
                cursor_id=self.view.cursor_id, filter_text=self.filter_field.value
            )
            if move() is not False:
                await self._arrive()

    async def _arrive(self) -> None:
        """Put the screen of the present place on the stage."""
        self._on_stage = False
        place = self.history.here
        stage = self.frame.query_one("#stage")
        await stage.remove_children()
        for topic in self.gateway.forget_slow():
            self.snapshots.of(topic).loading = False
        self.view = SCREENS[place.screen].view(self, place.subject, place.hint)
        await stage.mount(self.view)
        self._on_stage = True
        self.set_filter(place.filter_text)
        for found in self.view.query(RecordList):
            found.seek(place.cursor_id)
        self.focus_list()
        for topic in self.view.topics():
            self.load(topic)
        self.show_all()

    def set_filter(self, text: str) -> None:
        """Put a filter in force, or none."""
        field = self.filter_field
        with self.prevent(Input.Changed):
            field.value = text
        field.display = bool(text)
        self.view.set_filter(parse(text))

    def focus_list(self) -> None:
        for found in self.view.query(RecordList):
            found.focus()
