"""docs/operations/commands.md describes the commands that there are, option by option."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from offerhub.cli import group

PAGE = Path(__file__).parents[2] / "docs/operations/commands.md"
_HEADING = re.compile(r"^### `offerhub ([a-z -]+)`$", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# Of every command, or of another program.
_COMMON = {"--help"}


def commands() -> dict[str, click.Command]:
    """Every command that does something, by its words."""
    found: dict[str, click.Command] = {}
    for name, entry in group.COMMANDS.items():
        found |= dict(_leaves(name, group.load(entry)))
    return found


def _leaves(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    for word, inner in command.commands.items():
        yield from _leaves(f"{name} {word}", inner)


def sections() -> dict[str, str]:
    """The text below each command's heading, up to the next heading of any kind."""
    text = PAGE.read_text(encoding="utf-8")
    found = {}
    for match in _HEADING.finditer(text):
        body = text[match.end() :]
        found[match.group(1)] = re.split(r"^##", body, maxsplit=1, flags=re.MULTILINE)[0]
    return found


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


def test_every_command_is_described_and_nothing_else_is() -> None:
    assert set(sections()) == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_is_described_and_nothing_else_is(name: str) -> None:
    text, known = sections().get(name, ""), options(commands()[name])
    assert {option for option in known if f"`{option}" not in text} == set()
    said = {option for option in _OPTION.findall(text) if option not in _COMMON}
    elsewhere = {"--verify"} if name == "keys rotate-wallet-keys" else set()
    assert said - known <= elsewhere


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_option_explains_itself(name: str) -> None:
    command = commands()[name]
    assert (command.help or "").strip()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"
