"""Where a provider's call goes: base URLs are checked once, paths are filled in safely."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit


def plain_base_url(base_url: str) -> str:
    """The base URL without a slash at its end. Raises: ValueError for one that cannot serve."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a provider's base URL starts with http:// or https:// and names a host")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("a provider's base URL holds no credentials, query or fragment")
    return base_url.rstrip("/")


def fill(template: str, values: Mapping[str, str]) -> str:
    """The path with each `{name}` replaced by its value, encoded as one segment.

    Raises: ValueError for a value that is no segment.
    """
    segments = {name: quote(value, safe="") for name, value in values.items()}
    for name, segment in segments.items():
        # An empty or dotted segment would silently address another resource.
        if segment in ("", ".", ".."):
            raise ValueError(f"{name} is no path segment")
    return template.format_map(segments)
