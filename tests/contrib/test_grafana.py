"""The dashboard: one that can be imported, whose panels stand side by side and show something."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contrib.files import promtool, read
from tests.contrib.promql import NAME, evaluate
from tests.contrib.scenes import EVERYTHING, Played, Scene

NAME_OF = "grafana/voicereg.json"
DAY = 86_400
KINDS = {"stat", "gauge", "bargauge", "timeseries", "table"}
UNITS = {"none", "short", "s", "percentunit", "dateTimeFromNow"}


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(read(NAME_OF))
    return loaded


PANELS: list[dict[str, Any]] = dashboard()["panels"]
EXPRESSIONS = [
    (panel["title"], target["refId"], target["expr"])
    for panel in PANELS
    for target in panel["targets"]
]
each_panel = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])


def asked(expression: str) -> str:
    """An expression as Grafana sends it where all accounts are chosen."""
    return expression.replace("$account", ".*")


def test_it_can_be_imported_anywhere() -> None:
    found = dashboard()
    assert found["uid"] == "voicereg"
    assert found["id"] is None, "Grafana gives it one"
    assert found["schemaVersion"] >= 36
    source, account = found["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    assert account["query"]["query"] == "label_values(voicereg_account_info, account)"
    assert (account["allValue"], account["includeAll"], account["multi"]) == (".*", True, True)
    used = set(re.findall(r"\$\{?(\w+)", read(NAME_OF)))
    assert used == {"datasource", "account", "__all"}
    # Nothing of the place where it was made.
    sources = [part["datasource"] for panel in PANELS for part in (panel, *panel["targets"])]
    assert all(one == {"type": "prometheus", "uid": "${datasource}"} for one in sources)


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} over {taken[x, y]}"
                taken[x, y] = panel["title"]
    rows = {y for _, y in taken}
    assert rows == set(range(max(rows) + 1)), "there is a gap"


@each_panel
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["type"] in KINDS
    assert panel["title"]
    assert panel["description"].endswith(".")
    units = {panel["fieldConfig"]["defaults"]["unit"]}
    for override in panel["fieldConfig"]["overrides"]:
        units |= {one["value"] for one in override["properties"] if one["id"] == "unit"}
    assert units <= UNITS
    references = [target["refId"] for target in panel["targets"]]
    assert references
    assert len(set(references)) == len(references)
    for target in panel["targets"]:
        assert target["instant"] is not target["range"]
        assert target["range"] == (panel["type"] == "timeseries")
        assert (target["format"] == "table") == (panel["type"] == "table")


@each_panel
def test_moments_are_shown_as_moments_and_ages_as_ages(panel: dict[str, Any]) -> None:
    """Grafana reckons moments in milliseconds; a difference of times is in seconds."""
    defaults = panel["fieldConfig"]["defaults"]
    names: dict[str, str] = {}
    for transformation in panel.get("transformations", []):
        names |= transformation["options"].get("renameByName", {})
    units = {
        override["matcher"]["options"]: one["value"]
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "unit"
    }
    assert set(units) <= set(names.values())
    for target in panel["targets"]:
        unit = units.get(names.get(f"Value #{target['refId']}", ""), defaults["unit"])
        if "_timestamp_seconds" not in target["expr"]:
            assert unit not in ("s", "dateTimeFromNow")
        elif "time()" in target["expr"]:
            assert unit == "s"
        else:
            assert unit == "dateTimeFromNow"
            assert target["expr"].endswith(" * 1000")


@pytest.fixture
def shown(played: Played) -> Scene:
    """A registry in which there is something of everything, as two hosts show it."""
    return played(EVERYTHING)


def test_every_panel_shows_something_and_each_thing_once(shown: Scene) -> None:
    found, now = shown.scraped, shown.now
    for title, reference, expression in EXPRESSIONS:
        value = evaluate(asked(expression), found, now)
        assert isinstance(value, dict)
        assert value, f"{title} {reference}"
        if title != "Versions":
            assert not any("instance" in dict(labels) for labels in value), title


def test_every_legend_names_labels_that_there_are(shown: Scene) -> None:
    found, now = shown.scraped, shown.now
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            value = evaluate(asked(target["expr"]), found, now)
            assert isinstance(value, dict)
            for labels in value:
                assert named <= set(dict(labels)), panel["title"]
            if panel["type"] != "table" and len(value) > 1:
                told = [tuple(dict(labels)[name] for name in sorted(named)) for labels in value]
                assert len(set(told)) == len(told), f"{panel['title']}: two of the same name"


def test_one_account_can_be_looked_at_alone(shown: Scene) -> None:
    found, now = shown.scraped, shown.now
    for title, _, expression in EXPRESSIONS:
        value = evaluate(expression.replace("$account", "nobody"), found, now)
        assert isinstance(value, dict)
        accounts = {dict(labels).get("account") for labels in value}
        assert accounts <= {None}, title


def test_the_figures_are_those_of_the_registry(shown: Scene) -> None:
    found, now = shown.scraped, shown.now

    def number(title: str) -> float:
        (expression,) = [one for panel, _, one in EXPRESSIONS if panel == title]
        value = evaluate(asked(expression), found, now)
        assert isinstance(value, dict)
        ((labels, single),) = value.items()
        assert NAME not in dict(labels)
        return single

    assert number("Last good round") == 0
    assert number("Leader") == 1
    assert number("Soonest deadline") == -3 * DAY
    assert number("Past their deadline") == 1
    assert number("Unresolved creates") == 1
    assert number("Age of the figures") == 0


def test_promtool_reads_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": asked(expression)}
        for number, (*_, expression) in enumerate(EXPRESSIONS)
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([promtool(), "check", "rules", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
