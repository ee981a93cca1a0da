"""``voicereg metrics``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused
from tests.metrics.linting import problems
from tests.metrics.reading import Scrape


def test_it_prints_what_prometheus_reads(cli: Cli) -> None:
    cli.created("qwen-tts")

    for words in ([], ["-o", "-"]):
        result = cli.done("metrics", *words)
        assert problems(result.out) == []
        assert Scrape(result.out)("quota_used", account="default", family="qwen-tts") == 1
        assert result.err == ""


def test_it_writes_a_file(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "voicereg.prom"

    result = cli.done("metrics", "-o", str(path))
    assert result.out == ""
    assert f"wrote {path}" in result.err
    assert problems(path.read_text()) == []

    written = cli.done("metrics", "-o", str(path), "--json").json()
    assert written == {"file": str(path), "bytes": path.stat().st_size}


def test_a_name_that_is_not_read_is_refused_before_anything(cli: Cli, tmp_path: Path) -> None:
    assert_refused(cli("metrics", "-o", str(tmp_path / "a.txt")), 2, "must end in .prom")

    assert list(tmp_path.glob("a*")) == []


def test_without_the_extra_the_figures_are_there_as_json(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    assert_refused(cli("metrics"), 1, "not installed", "pip install 'voicereg[metrics]'")
    assert cli.done("metrics", "--json").json()["quotas"][0]["limit"] == 1000
