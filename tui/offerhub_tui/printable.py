"""Text that strangers wrote, on the operator's terminal: shown, never obeyed.

Titles, names and messages come from a marketplace's users and from providers. A terminal obeys
control characters wherever they stand: it would change its title, fill the clipboard, or show what
is not there. Lists and fact sheets show them as signs; the filter is the last gate, which
everything passes that is drawn, whichever widget drew it.
"""

import re
from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Control characters of both sets, what turns the direction of writing, line separators, tags.
# Source: ECMA-48; Unicode, "Bidirectional Algorithm" (UAX 9).
_OBEYED: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_PICTURES: Final = 0x2400  # Unicode has a sign for each control character below a space


def printable(text: str) -> str:
    """The text with a sign in the place of each character that a terminal would obey."""
    return _OBEYED.sub(lambda match: _sign(ord(match[0])), text)


def _sign(code: int) -> str:
    return chr(_PICTURES + code) if code < 0x20 else "�"


class Unarmed(LineFilter):
    """Drops what is still there of such characters when a line is drawn; they have no width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not any(_OBEYED.search(segment.text) for segment in segments):
            return segments
        return [
            segment if segment.control else Segment(_OBEYED.sub("", segment.text), segment.style)
            for segment in segments
        ]
