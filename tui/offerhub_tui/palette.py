"""The palette: every command and every screen, from the same tables as the keys."""

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from offerhub_tui.commands import COMMANDS, LIST
from offerhub_tui.registry import MENU


class Commands(Provider):
    """What can be searched for. Movement in lists is left out: it is keys only."""

    def _entries(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        for entry in MENU:
            run = partial(self.app.run_action, f"go('{entry.name}')")
            yield f"{entry.name.capitalize()}", entry.summary, run
        for command in COMMANDS:
            if command.id in ("palette", "open") or command.group == LIST:
                continue
            yield command.title, command.help, partial(self.app.run_action, command.action)

    async def discover(self) -> Hits:
        for title, words, run in self._entries():
            yield DiscoveryHit(title, run, help=words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, words, run in self._entries():
            score = max(matcher.match(title), matcher.match(words) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=words)
