"""Each alert goes off on a registry that needs it, once for each problem, and on no healthy one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.contrib.files import CONTRIB, promtool
from tests.contrib.promql import NAME, Labels
from tests.contrib.rules import alerts, fired
from tests.contrib.scenes import HEALTHY, HOSTS, SCENES, Expected, Played, Scene

each_scene = pytest.mark.parametrize("expected", SCENES, ids=[scene.name for scene in SCENES])


@each_scene
def test_what_goes_off(expected: Expected, played: Played) -> None:
    scene = played(expected)

    found = fired(scene.scraped, scene.now)

    counted = Counter({name: len(labels) for name, labels in found.items()})
    assert counted == Counter(f"Voicereg{name}" for name in expected.alerts)
    if expected.labels:
        assert expected.labels in found[f"Voicereg{expected.alerts[0]}"]
    for name, problems in found.items():
        # What an alert tells of, it knows.
        told = set(re.findall(r"\{\{ \$labels\.(\w+) \}\}", str(alerts()[name]["annotations"])))
        assert all(told <= set(labels) for labels in problems)


def test_each_alert_goes_off_in_some_scene() -> None:
    assert {f"Voicereg{name}" for scene in SCENES for name in scene.alerts} == set(alerts())


def test_several_registries_are_kept_apart_by_a_label(played: Played) -> None:
    """One has a full quota and one has not: the label `registry` stays, and nothing is mixed."""
    scene = played(next(one for one in SCENES if one.name == "quota_full"))
    healthy = played(HEALTHY)
    both = {
        frozenset((dict(labels) | {"registry": name, "instance": host}).items()): value
        for name, host, part in (("full", "a", scene), ("healthy", "b", healthy))
        for labels, value in part.scraped.items()
        if dict(labels)["instance"] == HOSTS[0]
    }

    found = fired(both, max(scene.now, healthy.now))

    assert found == {
        "VoiceregQuotaFull": [{"quota_group": "default", "family": "qwen-tts", "registry": "full"}]
    }


# --- as Prometheus itself has it ------------------------------------------------------------------

_STEP = 300
"""Between two scrapes: Prometheus forgets what is older than that."""
_LASTS = 8 * 3600
"""Longer than any alert waits."""


def test_promtool_finds_nothing_wrong() -> None:
    rules = CONTRIB / "prometheus" / "alerts.yaml"
    done = subprocess.run(
        [promtool(), "check", "rules", str(rules)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_promtool_has_the_same_alerts_go_off(played: Played, tmp_path: Path) -> None:
    program = promtool()
    shutil.copy(CONTRIB / "prometheus" / "alerts.yaml", tmp_path)
    told = {
        "rule_files": ["alerts.yaml"],
        "evaluation_interval": "30m",
        "tests": [_unit_test(expected.name, played(expected)) for expected in SCENES],
    }
    (tmp_path / "tests.yaml").write_text(json.dumps(told))
    done = subprocess.run(
        [program, "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def _unit_test(name: str, scene: Scene) -> dict[str, Any]:
    """What promtool is to find, where a scene has stood still for eight hours.

    Its time begins in 1970, so that times are moved; what reads the figures goes on reading them.
    """
    shift, count = _LASTS - scene.now, _LASTS // _STEP
    series = []
    for labels, value in scene.scraped.items():
        metric, slope = dict(labels)[NAME], 0
        if metric.endswith("_timestamp_seconds"):
            value += shift
        if metric == "voicereg_read_timestamp_seconds" and scene.reads(dict(labels)["instance"]):
            value, slope = value - _LASTS, _STEP
        series.append({"series": _written(labels), "values": f"{value}+{slope}x{count}"})
    rules = alerts()
    expected = [
        {"alertname": alert, "alertstate": "firing", **rules[alert]["labels"], **labels}
        for alert, found in fired(scene.scraped, scene.now).items()
        for labels in found
    ]
    return {
        "name": name,
        "interval": f"{_STEP}s",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{_LASTS}s",
                "exp_samples": [
                    {"labels": _written({(NAME, "ALERTS"), *one.items()}), "value": 1}
                    for one in expected
                ],
            }
        ],
    }


def _written(labels: Labels | set[tuple[str, str]]) -> str:
    metric = dict(labels)[NAME]
    rest = ",".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels) if name != NAME)
    return f"{metric}{{{rest}}}"
