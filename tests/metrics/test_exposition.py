"""The text is one that Prometheus takes, whatever is in it."""

from __future__ import annotations

import sys

import pytest
import sqlalchemy as sa

from tests.fakes import NARRATOR
from tests.metrics.linting import problems
from tests.metrics.reading import scraped, text_of
from tests.registry.rows import QWEN, begun, insert_voices
from voicereg import ExtraMissing, Registry, State
from voicereg.domain.rounds import StepResult
from voicereg.metrics.gauges import GAUGES
from voicereg.sandbox import Sandbox
from voicereg.tables import accounts, messages

HOSTILE = ['a "quoted" one', "two\nlines", "back\\slash\\n", "}{=,", "# HELP x", "大家好 \x1b[2J"]
on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@on_sqlite
def test_it_keeps_to_the_rules(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 2, state=State.UNRESOLVED)
    insert_voices(database_url, 2, family=QWEN)
    registry.rounds.note(StepResult("deliver", None, "down"))

    text = text_of(registry)

    assert problems(text) == []
    for gauge in GAUGES:
        assert f"# HELP {gauge.name} {gauge.help}\n# TYPE {gauge.name} gauge\n" in text
        assert gauge.name.startswith("voicereg_")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# TYPE a gauge\na 1\n", "no help"),
        ("# HELP a b\na 1\n", "no type"),
        ("# HELP a_days b\n# TYPE a_days gauge\na_days 1\n", "base unit"),
        ("# HELP a_milliseconds b\n# TYPE a_milliseconds gauge\na_milliseconds 1\n", "base unit"),
        ("# HELP a_ms b\n# TYPE a_ms gauge\na_ms 1\n", "abbreviated"),
        ("# HELP a_total b\n# TYPE a_total gauge\na_total 1\n", "counter"),
        ("# HELP a_gauge b\n# TYPE a_gauge gauge\na_gauge 1\n", "type in its name"),
        ("# HELP a:b c\n# TYPE a:b gauge\na:b 1\n", "colon"),
        ("# HELP aB c\n# TYPE aB gauge\naB 1\n", "snake"),
        ('# HELP a b\n# TYPE a gauge\na{c="1"} 1\na{c="1"} 2\n', "same labels"),
    ],
)
def test_the_rules_are_rules(text: str, problem: str) -> None:
    assert any(problem in said for said in problems(text))


@on_sqlite
@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_any_kind_are_escaped(registry: Registry, database_url: str, name: str) -> None:
    insert_voices(database_url, 3, family=QWEN)
    with begun(database_url) as connection:
        connection.execute(sa.update(accounts).values(name=name))
        moment = sa.select(accounts.c.created_at).scalar_subquery()
        connection.execute(
            sa.insert(messages).values(id="m", channel=name, made_at=moment, items=[])
        )
    registry.rounds.note(StepResult(name, name))

    shown = scraped(registry)

    assert problems(shown.text) == []
    assert shown("voices", account=name, family=QWEN, state="active") == 3
    assert shown("step_failed", step=name, account=name) == 0
    assert {one["channel"] for one in shown.labels("messages_last_day")} == {name}
    assert len(shown.text.splitlines()) == len(shown.text.split("\n")) - 1


@on_sqlite
def test_no_key_is_anywhere(registry: Registry, sandbox: Sandbox) -> None:
    registry.design(**NARRATOR)
    registry.sync()

    text = text_of(registry)

    assert "voicereg_quota_used" in text
    assert sandbox.api_key not in text


@on_sqlite
def test_without_the_extra_it_says_how_to_install_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(ExtraMissing, match="not installed") as caught:
        text_of(registry)

    assert caught.value.extra == "metrics"
    assert caught.value.advice is not None
    assert "pip install 'voicereg[metrics]'" in caught.value.advice
