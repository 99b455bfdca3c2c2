"""Fault rules: which provider call goes wrong, how, and how many times.

Rules live in memory; a restarted sandbox is healthy. Acting on a rule is `provider_wire`.
"""

import re
import threading
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from itertools import count
from typing import Any

PROVIDERS = ("airtm", "trustless_work", "horizon")

# "before": the call has no effect. "after": the effect happens, only the answer is spoilt.
KINDS: dict[str, str] = {
    "timeout_before": "no effect; hang for delay_s, then close without an answer",
    "timeout_after": "effect; hang for delay_s, then close without an answer",
    "reset_after": "effect; then the connection is reset (RST)",
    "error_500_before": "no effect; 500 in the provider's own shape",
    "error_500_after": "effect; 500 in the provider's own shape",
    "error_503_before": "no effect; 503 in the provider's own shape",
    "rate_limited": "no effect; 429 in the provider's own shape",
    "html_502_before": "no effect; 502 with an HTML page from a gateway",
    "html_502_after": "effect; 502 with an HTML page from a gateway",
    "truncated_after": "effect; half of the body under the full Content-Length, then close",
    "wrong_body_after": "effect; 200 with JSON of another shape",
    "delay": "wait for delay_s, then answer as usual",
}

DEFAULT_DELAY_S = 2.0
_LONGEST_DELAY_S = 600.0


class InvalidRule(ValueError):
    """A rule that says something the sandbox cannot do."""


@dataclass
class FaultRule:
    """One rule. times: calls still to spoil, None for all; after_n: calls to let pass first.

    path_regex is searched in the full path, for example `/payins$` or `^/horizon/transactions`.
    """

    kind: str
    provider: str | None = None
    method: str | None = None
    path_regex: str = ""
    times: int | None = 1
    delay_s: float = DEFAULT_DELAY_S
    after_n: int = 0
    id: str = ""
    applied: int = 0
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidRule(f"kind must be one of {', '.join(KINDS)}")
        if self.provider is not None and self.provider not in PROVIDERS:
            raise InvalidRule(f"provider must be one of {', '.join(PROVIDERS)}")
        if self.times is not None and self.times < 1:
            raise InvalidRule("times must be at least 1, or null for always")
        if not 0 <= self.delay_s <= _LONGEST_DELAY_S or self.after_n < 0:
            raise InvalidRule("delay_s must be 0 to 600 and after_n at least 0")
        try:
            self.pattern = re.compile(self.path_regex)
        except re.error as error:
            raise InvalidRule(f"path_regex: {error}") from error

    def matches(self, *, provider: str, method: str, path: str) -> bool:
        return (
            self.provider in (None, provider)
            and (self.method is None or self.method.upper() == method)
            and self.pattern.search(path) is not None
        )

    def view(self) -> dict[str, Any]:
        document = asdict(self)
        del document["pattern"]
        document["delay_s"] = Decimal(str(self.delay_s))
        return document


class FaultRules:
    """The rules in force, oldest first; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, FaultRule] = {}
        self._numbers = count(1)

    def add(self, document: dict[str, Any]) -> FaultRule:
        """Add a rule from its JSON form and return it. Raises: InvalidRule."""
        rule = _read_rule(document)
        with self._lock:
            rule.id = rule.id or f"fault_{next(self._numbers)}"
            if rule.id in self._rules:
                raise InvalidRule(f"there is already a rule {rule.id}")
            self._rules[rule.id] = rule
        return rule

    def remove(self, rule_id: str) -> bool:
        with self._lock:
            return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def list(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.view() for rule in self._rules.values()]

    def use(self, *, provider: str, method: str, path: str) -> FaultRule | None:
        """The first rule that spoils this call, counted down.

        Spent rules stay listed, with times 0.
        """
        with self._lock:
            for rule in self._rules.values():
                if rule.times == 0 or not rule.matches(provider=provider, method=method, path=path):
                    continue
                if rule.after_n > 0:
                    rule.after_n -= 1
                    continue
                if rule.times is not None:
                    rule.times -= 1
                rule.applied += 1
                return rule
        return None


_TYPES: dict[str, tuple[type, ...]] = {
    "kind": (str,),
    "provider": (str, type(None)),
    "method": (str, type(None)),
    "path_regex": (str,),
    "times": (int, type(None)),
    "delay_s": (int, float),
    "after_n": (int,),
    "id": (str,),
}


def _read_rule(document: dict[str, Any]) -> FaultRule:
    for name, value in document.items():
        allowed = _TYPES.get(name)
        if allowed is None:
            raise InvalidRule(f"a rule has no member {name!r}")
        if not isinstance(value, allowed) or isinstance(value, bool):
            raise InvalidRule(f"{name} has the wrong type")
    if "kind" not in document:
        raise InvalidRule("kind is required")
    settable = {member.name for member in fields(FaultRule) if member.init}
    return FaultRule(**{name: value for name, value in document.items() if name in settable})
