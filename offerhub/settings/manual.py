"""The operator's page about settings, made from the settings' own sentences."""

from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from offerhub.settings import defaults
from offerhub.settings.fields import Settings, secret_variables
from offerhub.settings.sources import FILE_TWINS

_HEAD: Final = """\
# Settings

Settings are environment variables. A deployment keeps them in two files: `config.env` for what
anybody may read, and `secrets.env`, which only its owner may read (mode 0600; anything else is
refused). The real environment wins over both. Empty means not set.

A variable that starts with `OFFERHUB_`, `AIRTM_`, `TRUSTLESS_WORK_` or `STELLAR_` and is not
listed here is refused by name, so that a typing error never becomes a default. Every secret, and
`DATABASE_URL` and `REDIS_URL`, may instead be read from a file: set `NAME_FILE` to its path.

`bin/offerhub config check` says what is wrong, `config show` what is in force and where it comes
from. Secrets are never shown. After a change: `bin/offerhub down`, then `up`.

This page is written by `offerhub config describe`.
"""
_GROUPS: Final = (
    ("The deployment", "OFFERHUB_"),
    ("Database and Redis", "DATABASE_", "REDIS_"),
    ("Airtm", "AIRTM_"),
    ("Trustless Work", "TRUSTLESS_WORK_"),
    ("Stellar", "STELLAR_"),
)
_RULES: Final = """
## What is refused

| where | what |
|---|---|
| everywhere | a placeholder, a short or regular secret, a token secret that equals the master \
key, a resolver seed that is also the treasury's or the release wallet's, no \
`AIRTM_WEBHOOK_SECRET` |
| production | a public URL without https, a provider URL that is local, a test system or without \
https, another network than the public one, no `TRUSTLESS_WORK_FACTORY_IDS`, one seed for treasury \
and release |
| demo, sandbox | the public network's passphrase, a provider's real address |
"""


def as_markdown() -> str:
    """The whole page, ending in a newline."""
    parts = [_HEAD]
    for title, *prefixes in _GROUPS:
        parts.append(f"\n## {title}\n")
        for info in Settings.model_fields.values():
            if str(info.alias).startswith(tuple(prefixes)):
                parts.append(_entry(info))
    parts.append(_by_environment())
    parts.append(_RULES)
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"


def _entry(info: FieldInfo) -> str:
    name = str(info.alias)
    extra: Any = info.json_schema_extra
    unit = extra["unit"] if isinstance(extra, dict) else ""
    facts = [_default(name, info)]
    if unit:
        facts.append(f"unit: {unit}")
    if name in secret_variables():
        facts.append("secret")
    if name in secret_variables() | FILE_TWINS:
        facts.append(f"or `{name}_FILE`")
    return f"\n**`{name}`** ({'; '.join(facts)})<br>\n{info.description}\n"


def _default(name: str, info: FieldInfo) -> str:
    if info.default is PydanticUndefined:
        followed = any(name in defaults.for_environment({"OFFERHUB_ENVIRONMENT": kind})
                       for kind in ("demo", "sandbox", "production"))  # fmt: skip
        if name in FILE_TWINS or followed:
            return "has a default"
        return "required"
    if info.default in (None, ()) or name == "OFFERHUB_HOME":
        return "optional"
    return f"default: `{info.default}`"


def _by_environment() -> str:
    kinds = ("demo", "sandbox", "production")
    tables = [defaults.for_environment({"OFFERHUB_ENVIRONMENT": kind}) for kind in kinds]
    names = sorted({name for table in tables for name in table})
    lines = [
        "\n## Defaults that follow the environment\n",
        "| variable | " + " | ".join(kinds) + " |",
        "|---|---|---|---|",
    ]
    for name in names:
        cells = [f"`{table[name]}`" if name in table else "as above, or none" for table in tables]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
