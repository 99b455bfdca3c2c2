"""Every metric is documented, and alerts are about metrics that exist and say what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
SOURCES = ("offerhub/api/metrics.py", "offerhub/call_metrics.py")
DOCUMENT = (ROOT / "docs/operations/metrics.md").read_text()
RUNBOOK = (ROOT / "docs/operations/alerts.md").read_text()
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs/operations/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]


def metrics() -> set[str]:
    """The names that the code gives; counters are shown with `_total`."""
    found: set[str] = set()
    for source in SOURCES:
        text = (ROOT / source).read_text()
        counters = set(re.findall(r'Counter\(\s*"(offerhub_\w+)"', text))
        found |= set(re.findall(r'"(offerhub_\w+)"', text)) - counters
        found |= {f"{name}_total" for name in counters}
    return found


def test_the_document_names_every_metric_and_no_other() -> None:
    assert set(re.findall(r"^\| `(offerhub_\w+)`", DOCUMENT, re.MULTILINE)) == metrics()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_uses_known_metrics_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert set(re.findall(r"offerhub_\w+", rule["expr"])) <= metrics()
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"].endswith(f"#{rule['alert'].lower()}")
    assert f"### {rule['alert']}\n" in RUNBOOK


def test_promtool_is_asked_about_every_alert_in_good_times_and_in_bad() -> None:
    """`promtool test rules` itself is run by hand; Prometheus is no library."""
    tried = yaml.safe_load((ROOT / "tests/monitoring/alerts.test.yml").read_text())
    assert tried["rule_files"] == ["../../docs/operations/alerts.yml"]
    good, bad = tried["tests"]
    assert [asked["exp_samples"] for asked in good["promql_expr_test"]] == [[]]
    rung = [
        set(re.findall(r"OfferHub\w+", str(asked["exp_samples"])))
        for asked in bad["promql_expr_test"]
    ]
    assert rung == [
        {rule["alert"] for rule in RULES if rule["for"] == "0m"},
        {rule["alert"] for rule in RULES},
    ]
    for time in (good, bad):
        fed = {name for one in time["input_series"] for name in re.findall(r"^\w+", one["series"])}
        asked_for = {name for rule in RULES for name in re.findall(r"offerhub_\w+", rule["expr"])}
        assert asked_for - fed <= {"offerhub_reconciliation_differences"}, (
            "absent when there is none"
        )


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == names
