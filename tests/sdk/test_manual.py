"""The SDK's page against the SDK: every method is named there, every example calls what exists.

That the examples do what they say is tested where there is an API: tests/api/surface.
"""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from offerhub import sdk
from offerhub.sdk.resources import Resources

PAGE = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def _groups(client: sdk.OfferHub) -> dict[str, Resources]:
    return {name: part for name, part in vars(client).items() if isinstance(part, Resources)}


def _calls(source: str) -> list[tuple[str, str, ast.Call]]:
    """(group, method, call) of every `hub.group.method(…)`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Attribute) and ast.unparse(owner.value) == "hub":
                found.append((owner.attr, node.func.attr, node))
    return found


def test_the_table_names_every_method_of_every_group(client: sdk.OfferHub) -> None:
    said = {
        group: set(re.findall(r"`(\w+)`", methods))
        for group, methods in re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    }
    there = {
        name: {method for method in dir(group) if not method.startswith("_")}
        for name, group in _groups(client).items()
    }
    assert said == there


@pytest.mark.parametrize("source", EXAMPLES)
def test_examples_call_methods_with_arguments_that_they_take(
    client: sdk.OfferHub, source: str
) -> None:
    groups: dict[str, Any] = dict(_groups(client))
    for group, method, call in _calls(source):
        signature = inspect.signature(getattr(groups[group], method))
        signature.bind(*call.args, **{word.arg or "": word.value for word in call.keywords})


def test_every_group_has_an_example() -> None:
    called = {(group, method) for source in EXAMPLES for group, method, _ in _calls(source)}
    assert {group for group, _ in called} == {
        "users", "topups", "orders", "milestones", "disputes", "withdrawals", "events",
        "webhooks", "api_keys",
    }  # fmt: skip


def test_every_record_that_a_method_returns_can_be_imported_from_the_package() -> None:
    for record in sdk.records.Record.__subclasses__():
        assert getattr(sdk, record.__name__, None) is record
        assert record.__name__ in sdk.__all__
