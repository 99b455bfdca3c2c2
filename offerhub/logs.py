"""Structured logs: one line per entry, ids bound by context, and no secret in any of them.

Everything that the process logs goes through here, whichever library said it, exceptions included.
Not here: the audit trail, which is a record and not a log.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import Processor, WrappedLogger

HIDDEN: Final = "[redacted]"
_MAX_DEPTH: Final = 12

_SECRET_KEY: Final = re.compile(
    r"secret|passw|passphrase_?key|authori[sz]ation|credential|cookie|private|mnemonic"
    r"|(^|_|-)(seed|kek|keks|pwd|bearer|signature|token)s?$|api[_-]?key$|(master|signing)[_-]?key"
    r"|database_url|redis_url",
    re.IGNORECASE,
)
_IN_TEXT: Final = (
    (re.compile(r"ohk_(live|test|tok)_[A-Za-z0-9_.~=+/-]+"), rf"ohk_\1_{HIDDEN}"),
    (re.compile(r"whsec_[A-Za-z0-9+/=_-]+"), f"whsec_{HIDDEN}"),
    (re.compile(r"(?<![A-Z0-9])S[A-Z2-7]{55}(?![A-Z0-9])"), HIDDEN),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^:/@\s]*):[^@/\s]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"\b([A-Za-z0-9_]*(?:SECRET|PASSWORD|KEKS|API_KEY|MASTER_KEY))(['\"]?\s*[=:]\s*['\"]?)"
            r"[^\s,'\"]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]{0,63}@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"),
        r"\1***@\2",
    ),
)  # fmt: skip

# What a terminal obeys or shows otherwise than it stands there: control characters of both sets,
# and those that turn the direction of writing, line separators and invisible tags.
# Source: ECMA-48; Unicode, "Bidirectional Algorithm" (UAX 9).
_OBEYED: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_OBEYED_BUT_LINES: Final = re.compile(r"(?![\n\t])" + _OBEYED.pattern)

# One look for what each of these needs: nearly all text holds none of it.
_SUSPECT: Final = re.compile(
    r"ohk_|whsec_|S[A-Z2-7]{55}|bearer|basic|://|@|secret|password|keks|api_key|master_key",
    re.IGNORECASE,
)

_QUIET: Final = {"peewee": logging.WARNING, "httpx": logging.WARNING, "httpcore": logging.WARNING}


def configure(
    *, level: str = "info", format_: str = "json", process: str, stream: TextIO | None = None
) -> None:
    """Send the logs of this process, ours and the libraries', to `stream` (stderr).

    level: debug, info, warning or error. format_: json or console. process: e.g. "worker critical".
    May be repeated: the last call wins.
    """
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _named(process),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = structlog.processors.JSONRenderer(default=str, sort_keys=False)
    if format_ == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _redacting,
                *([_printable_values] if format_ == "console" else []),
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def get_logger(name: str) -> Any:
    """A structlog logger: `log.info("topup.confirmed", topup_id=…)`."""
    return structlog.stdlib.get_logger(name)


def bind(**ids: str | None) -> AbstractContextManager[None]:
    """Put ids (request_id, operation_id, order_id…) on every entry logged inside the block.

    The binding belongs to the current thread or greenlet alone.
    """
    return bound_contextvars(**{name: value for name, value in ids.items() if value is not None})


def redact(value: Any) -> Any:
    """The same value without secrets and with shortened e-mail addresses, at any depth."""
    return _redact(value, depth=0)


def redact_text(text: str) -> str:
    """The same text without the secrets that can be told by their form."""
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def printable(text: str, *, lines: bool = False) -> str:
    """The same text for a person's terminal: what it would obey is shown as an escape.

    lines: line ends and tabs may stay. Whatever strangers can write must go through here: names,
    paths, messages of providers.
    """
    found = _OBEYED_BUT_LINES if lines else _OBEYED
    return found.sub(lambda match: repr(match[0])[1:-1], text)


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _redact(value: Any, *, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth > _MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN
            if _is_secret(str(key)) and item not in (None, "")
            else _redact(item, depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(item, depth=depth + 1) for item in value]
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    return redact_text(str(value))


def _redacting(
    _: WrappedLogger, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    redacted: MutableMapping[str, Any] = _redact(dict(event), depth=0)
    return redacted


def _printable_values(
    _: WrappedLogger, __: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """For the console, which gets values as they are; JSON escapes them by itself."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value, lines=name == "exception")
    return event


def _named(process: str) -> Processor:
    def add(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return add


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("offerhub").critical("uncaught", exc_info=(kind, error, trace))
