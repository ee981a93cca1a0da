"""The rules and the scraping: in words that help, and of metrics that there are."""

from __future__ import annotations

import re

import pytest

from tests.contrib.commands import parse, quoted_commands
from tests.contrib.files import CONTRIB, read_yaml
from tests.contrib.promql import asked, grouped
from tests.contrib.rules import alerts, recorded, rules
from tests.contrib.test_grafana import EXPRESSIONS
from tests.contrib.test_grafana import asked as as_sent
from voicereg.metrics.gauges import GAUGES
from voicereg.settings import WarnSettings

LABELS = {gauge.name: set(gauge.labels) for gauge in GAUGES} | {"up": set()}
"""Of each metric."""
OF_THE_TARGET = {"instance", "job"}
EVERY_EXPRESSION = [
    *((rule.get("alert", rule.get("record")), rule["expr"]) for rule in rules()),
    *(
        (f"{title} {reference}", as_sent(expression))
        for title, reference, expression in EXPRESSIONS
    ),
]
each_alert = pytest.mark.parametrize("alert", sorted(alerts()))


@each_alert
def test_each_alert_says_how_bad_it_is_and_what_to_type(alert: str) -> None:
    rule = alerts()[alert]
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Voicereg([A-Z][a-z]+)+", alert)
    assert re.fullmatch(r"\d+[mhd]", rule["for"])
    assert rule["labels"] in ({"severity": "warning"}, {"severity": "critical"})
    assert set(rule["annotations"]) == {"summary", "description"}
    for text in rule["annotations"].values():
        assert text.endswith(".")


@each_alert
def test_what_an_alert_says_to_type_can_be_typed(alert: str) -> None:
    commands = quoted_commands(alerts()[alert]["annotations"]["description"])
    ours = [command for command in commands if command.startswith("voicereg ")]
    assert ours
    for command in ours:
        parse(command)
    for command in set(commands) - set(ours):
        if " " in command:
            assert command.endswith(" voicereg-housekeeping")


def test_a_command_that_there_is_not_would_be_found() -> None:
    for wrong in ("voicereg quotas", "voicereg sync --everything", "voicereg expiring --within x"):
        with pytest.raises(Exception, match=r"(?i)no such|not a valid"):
            parse(wrong)


@pytest.mark.parametrize(("name", "expression"), EVERY_EXPRESSION)
def test_every_metric_is_one_of_voicereg_with_the_labels_it_has(name: str, expression: str) -> None:
    known = LABELS | dict.fromkeys(recorded(), OF_THE_TARGET)
    metrics = asked(expression)
    assert metrics
    for metric, labels in metrics.items():
        assert metric in known, f"{name}: there is no {metric}"
        assert labels <= known[metric] | OF_THE_TARGET, f"{name}: {metric} has no {labels}"
    everywhere = set().union(*(known[metric] for metric in metrics)) | OF_THE_TARGET
    assert grouped(expression) <= everywhere, name


@each_alert
def test_hosts_that_show_the_same_raise_one_alert(alert: str) -> None:
    """But for a host that does not answer."""
    expression = alerts()[alert]["expr"]
    if metrics := set(asked(expression)) - recorded() - {"up"}:
        assert grouped(expression) >= OF_THE_TARGET or "absent(" in expression, metrics


def test_the_mark_that_a_rule_asks_for_is_one_of_the_usual() -> None:
    marks = re.findall(r'within_days="(\d+)"', alerts()["VoiceregVoicesDue"]["expr"])
    assert [int(mark) for mark in marks] == [7]
    assert 7 in WarnSettings().marks


def test_old_figures_are_told_of_as_soon_as_they_do_not_count() -> None:
    (current,) = (rule["expr"] for rule in rules() if rule.get("record") == "voicereg:current")
    old = alerts()["VoiceregFiguresOld"]["expr"]
    assert re.findall(r"\d{3,}", current) == re.findall(r"\d{3,}", old) == ["28800"]


def test_the_scrape_has_the_job_and_the_rules_that_there_are() -> None:
    scrape = read_yaml("prometheus/scrape.yaml")
    assert set(scrape) == {"rule_files", "scrape_configs"}
    (job,) = scrape["scrape_configs"]
    asked_for = {found for rule in rules() for found in re.findall(r'job="(\w+)"', rule["expr"])}
    assert asked_for == {job["job_name"]}
    (targets,) = job["static_configs"]
    assert targets["targets"] == ["127.0.0.1:9464"]
    assert scrape["rule_files"] == ["/etc/prometheus/voicereg-alerts.yaml"]
    assert (CONTRIB / "prometheus" / "alerts.yaml").is_file()
