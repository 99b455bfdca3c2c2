"""The answers that shape a deployment: from flags, a file, an earlier run, questions or defaults.

In that order. Only three are ever asked: directory, profile and, for production, the public URL.
Without a terminal none is asked: a missing one is an error that names its flag.
"""

import secrets
import socket
import string
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]

from create_offerhub.exits import WrongUsage
from create_offerhub.paths import ANSWERS, has_control_characters

PROFILES: Final = ("demo", "production")
FIRST_PORT: Final = 8080
FIRST_SANDBOX_PORT: Final = 8090
_PORTS_TRIED: Final = 200
_ID_ALPHABET: Final = string.ascii_letters + string.digits + "_-"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the template is rendered with and what is written down. No secret is among them."""

    profile: str
    public_url: str
    port: int
    sandbox_port: int
    marketplace_id: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller said, by flag or file; None means nothing."""

    profile: str | None = None
    public_url: str | None = None
    port: int | None = None
    sandbox_port: int | None = None


FLAGS: Final = {
    "profile": "--profile",
    "public_url": "--public-url",
    "port": "--port",
    "sandbox_port": "--sandbox-port",
}


def from_file(path: Path) -> Given:
    """Answers from a TOML file. Raises: WrongUsage for anything unknown or of another type."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise WrongUsage(f"--answers: {path} cannot be read") from None
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(f"--answers: {path} is not TOML: {error}") from None
    kinds = {"profile": str, "public_url": str, "port": int, "sandbox_port": int}
    for name, value in found.items():
        if name not in kinds:
            raise WrongUsage(f"--answers: {name!r} is not an answer; known: {', '.join(kinds)}")
        if type(value) is not kinds[name]:
            raise WrongUsage(f"--answers: {name} must be {kinds[name].__name__}")
    return Given(**found)


def merged(first: Given, second: Given) -> Given:
    """`first`, with its gaps filled from `second`."""
    names = [field.name for field in fields(Given)]
    return Given(
        **{
            name: getattr(first, name)
            if getattr(first, name) is not None
            else getattr(second, name)
            for name in names
        }
    )


def recorded(directory: Path) -> Answers | None:
    """What an earlier run wrote down; None when there was none.

    Raises: WrongUsage when the file is there and cannot be understood.
    """
    path = directory / ANSWERS
    if not path.is_file():
        return None
    broken = WrongUsage(f"{path} cannot be understood; restore it from a backup")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise broken from None
    names = {field.name for field in fields(Answers)}
    if not isinstance(found, Mapping) or not names <= set(found):
        raise broken
    return Answers(**{name: found[name] for name in names})


def settle(given: Given, before: Answers | None) -> Answers:
    """Complete, checked answers. An existing deployment keeps its own.

    Raises: WrongUsage, naming the flag.
    """
    if before is not None:
        for name, flag in FLAGS.items():
            value = getattr(given, name)
            if value is not None and value != getattr(before, name):
                raise WrongUsage(
                    f"{flag}: this deployment was made with {getattr(before, name)!r};"
                    " change config.env instead, or make another deployment"
                )
        return before
    profile = given.profile or "demo"
    if profile not in PROFILES:
        raise WrongUsage(f"--profile must be one of {', '.join(PROFILES)}")
    port = _port("--port", given.port, start=FIRST_PORT, taken=given.sandbox_port)
    sandbox_port = _port("--sandbox-port", given.sandbox_port, start=FIRST_SANDBOX_PORT, taken=port)
    if port == sandbox_port:
        raise WrongUsage("--sandbox-port must differ from --port")
    url = given.public_url or ("" if profile == "production" else f"http://127.0.0.1:{port}")
    return Answers(
        profile=profile,
        public_url=check_public_url(url, profile),
        port=port,
        sandbox_port=sandbox_port,
        marketplace_id="mkt_" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(21)),
    )


def check_public_url(text: str, profile: str) -> str:
    """The URL without a trailing slash. Raises: WrongUsage."""
    if not text:
        raise WrongUsage(
            "--public-url is missing; production needs it, such as https://pay.shop.example"
        )
    try:
        parts = urlsplit(text)
        fine = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if (
        not fine
        or parts.scheme not in {"http", "https"}
        or parts.query
        or parts.fragment
        or parts.username is not None
        or parts.path not in {"", "/"}
        or not text.isascii()
        or has_control_characters(text)
        or any(character in text for character in " \"'`$\\{}<>#;")
    ):
        raise WrongUsage("--public-url must be a plain URL such as https://pay.shop.example")
    if profile == "production" and parts.scheme != "https":
        raise WrongUsage("--public-url must be https for production")
    return text.rstrip("/")


def is_free(port: int) -> bool:
    """Whether a server of ours could listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def as_toml(answers: Answers) -> str:
    """The answers as `--answers` takes them."""
    return (
        f'profile = "{answers.profile}"\npublic_url = "{answers.public_url}"\n'
        f"port = {answers.port}\nsandbox_port = {answers.sandbox_port}\n"
    )


def _port(flag: str, given: int | None, *, start: int, taken: int | None) -> int:
    if given is not None:
        if not 1 <= given <= 65535:
            raise WrongUsage(f"{flag} must lie between 1 and 65535")
        return given
    for port in range(start, start + _PORTS_TRIED):
        if port != taken and is_free(port):
            return port
    raise WrongUsage(f"{flag}: no free port from {start} on; say one")
