"""Four looks. The tones use the Okabe-Ito colours, which stay apart for colour-blind eyes.

On light grounds they are darkened until text has a contrast of 4.5 to 1 (a test measures it).
Source: Okabe and Ito, "Color Universal Design", 2008.
"""

from typing import Final

from textual.theme import Theme

_DARK_TONES: Final = {
    "tone-good": "#2EBD94",
    "tone-busy": "#56B4E9",
    "tone-waiting": "#F0E442",
    "tone-trouble": "#F5793A",
    "tone-ended": "#A8A8A8",
}
_LIGHT_TONES: Final = {
    "tone-good": "#00664A",
    "tone-busy": "#005A8F",
    "tone-waiting": "#6B5200",
    "tone-trouble": "#A33E00",
    "tone-ended": "#555555",
}
_CONTRAST_TONES: Final = {
    "tone-good": "#3DE0B0",
    "tone-busy": "#7CCBFF",
    "tone-waiting": "#FFF04D",
    "tone-trouble": "#FF9A5C",
    "tone-ended": "#D0D0D0",
}
_ANSI_TONES: Final = {
    "tone-good": "ansi_green",
    "tone-busy": "ansi_cyan",
    "tone-waiting": "ansi_yellow",
    "tone-trouble": "ansi_bright_red",
    "tone-ended": "ansi_default",
}

DARK: Final = Theme(
    name="dark",
    primary="#56B4E9",
    secondary="#0072B2",
    accent="#E69F00",
    warning="#F0E442",
    error="#F5793A",
    success="#2EBD94",
    foreground="#E6E6E6",
    background="#14171A",
    surface="#1B1F23",
    panel="#252B31",
    variables=_DARK_TONES,
)
LIGHT: Final = Theme(
    name="light",
    primary="#005A8F",
    secondary="#0072B2",
    accent="#8A5A00",
    warning="#6B5200",
    error="#A33E00",
    success="#00664A",
    foreground="#1A1A1A",
    background="#FAFAF7",
    surface="#F1F1EC",
    panel="#E3E3DC",
    dark=False,
    variables=_LIGHT_TONES,
)
HIGH_CONTRAST: Final = Theme(
    name="high-contrast",
    primary="#FFFFFF",
    secondary="#FFFFFF",
    accent="#FFF04D",
    warning="#FFF04D",
    error="#FF9A5C",
    success="#3DE0B0",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#000000",
    text_alpha=1.0,
    variables=_CONTRAST_TONES,
)
ANSI: Final = Theme(
    name="ansi",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_yellow",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        **_ANSI_TONES,
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
    },
)

THEMES: Final = (DARK, LIGHT, HIGH_CONTRAST, ANSI)


def after(name: str) -> str:
    """The theme that follows `name` when the operator asks for the next one."""
    names = [theme.name for theme in THEMES]
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
