"""A secret that is shown once, and never in a screenshot."""

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

MASK = "*"


class Secret(Widget):
    """One line of secret text. While the application masks, it draws asterisks instead.

    It draws past every cache, so that no earlier drawing can leak into a screenshot.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return len(self._text)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return -(-len(self._text) // max(1, width))

    def render_lines(self, crop: Region) -> list[Strip]:
        masking = bool(getattr(self.app, "masking", True))
        text = MASK * len(self._text) if masking else self._text
        width = max(1, self.size.width)
        lines = [text[start : start + width] for start in range(0, len(text), width)]
        style = self.rich_style
        strips = []
        for y in range(crop.y, crop.bottom):
            line = lines[y] if y < len(lines) else ""
            strip = Strip([Segment(line, style)]).adjust_cell_length(width, style)
            strips.append(strip.crop(crop.x, crop.right))
        return strips
