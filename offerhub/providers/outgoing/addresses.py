"""Which addresses a webhook may be sent to. Pure.

Source of the list: IANA special-purpose address registries (IPv4 and IPv6), as the python
`ipaddress` module and the networks below have them.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from offerhub.ports.outgoing import AddressRefused

_REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23",
        "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
        "fec0::/10", "ff00::/8",
    )
)  # fmt: skip

MAX_URL: Final = 2048


def check_url(url: str, *, allow_private: bool) -> tuple[str, int, bool]:
    """(host, port, https) of a URL that may be posted to. `allow_private` also allows http.

    Raises: AddressRefused.
    """
    if len(url) > MAX_URL or not url.isascii() or any(c.isspace() for c in url):
        raise AddressRefused("The URL is not plain ASCII text of at most 2048 characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise AddressRefused("The URL cannot be read.") from exc
    if parts.scheme not in ({"https", "http"} if allow_private else {"https"}):
        raise AddressRefused("The URL must begin with https://.")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise AddressRefused("The URL needs a host, and may carry no credentials.")
    if parts.fragment:
        raise AddressRefused("The URL may have no fragment.")
    https = parts.scheme == "https"
    return parts.hostname, port or (443 if https else 80), https


def check_address(text: str, *, allow_private: bool) -> str:
    """The address, if it may be connected to. Raises: AddressRefused."""
    if not allow_private and not is_public(text):
        raise AddressRefused("The host leads to a private or reserved address.")
    return text


def is_public(text: str) -> bool:
    """Whether an IP address is one of the open internet; IPv4 inside IPv6 counts as IPv4."""
    try:
        address = ip_address(text.split("%", 1)[0])
    except ValueError:
        return False
    inner = _embedded(address)
    if inner is not None and not is_public(str(inner)):
        return False
    same = [net for net in _REFUSED if net.version == address.version]
    return address.is_global and not any(address in net for net in same)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    return address.ipv4_mapped or address.sixtofour
