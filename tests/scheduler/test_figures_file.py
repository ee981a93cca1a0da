"""The file of figures that each scheduler keeps, whoever leads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.housekeeping import support
from tests.housekeeping.support import House, keep_house
from tests.metrics.reading import Scrape, stamp
from tests.scheduler.support import HOUR, MINUTE, database_away, said, schedule
from tests.scheduler.test_running import run
from voicereg import Registry
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.settings import MetricsSettings
from voicereg.tables import leases

sandbox = support.sandbox
house = support.house

A_WHILE = timedelta(days=3650)


@pytest.fixture
def backend() -> str:
    """Nothing here depends on the kind of database."""
    return "sqlite"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "voicereg.prom"


def open_with(house: House, path: Path, **changed: Any) -> Registry:
    return house.open(
        house.settings(
            schedule=schedule(jitter=timedelta(0)), metrics=MetricsSettings(textfile=path)
        ),
        **changed,
    )


class Reader:
    """Reads the file between two turns."""

    def __init__(self, house: House, path: Path) -> None:
        self._house = house
        self._path = path
        self.read: list[Scrape] = []

    def __call__(self) -> None:
        self.read.append(Scrape(self._path.read_text(encoding="utf-8")))

    def after(self, duration: timedelta) -> Any:
        """A turn that comes so much later; what was written before it is read."""

        def turn() -> None:
            self()
            self._house.clock.advance(duration)

        return turn

    def __getitem__(self, metric: str) -> list[float]:
        return [scrape(metric) for scrape in self.read]


def test_one_that_stands_by_keeps_its_file_fresh(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.open(actor="bert").leases.take(LEADER_LEASE, A_WHILE)
    began = stamp(house.clock.now())
    reader = Reader(house, path)

    run(
        open_with(house, path),
        monkeypatch,
        lambda: None,
        reader.after(4 * MINUTE),
        reader.after(MINUTE),
        reader.after(4 * MINUTE),
        reader,
    )

    assert reader["read_timestamp_seconds"] == [began, began, began + 300, began + 300]
    assert reader["leader"] == [1, 1, 1, 1]


def test_one_that_led_tells_what_the_next_one_does(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(house, path)
    began = stamp(house.clock.now())

    def another_leads() -> None:
        reader()
        house.clock.advance(HOUR)
        other = house.open(actor="bert")
        if not any(row["holder"].startswith("bert") for row in house.rows(leases)):
            other.leases.take(LEADER_LEASE, A_WHILE)
        assert keep_house(other).ok

    run(open_with(house, path, actor="anna"), monkeypatch, lambda: None, another_leads, reader)

    assert reader["round_last_started_timestamp_seconds"] == [began, began + 3600]
    assert reader["read_timestamp_seconds"] == [began, began + 3600]


def test_a_round_is_told_at_once(house: House, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(house, path)

    def until_the_next() -> None:
        house.clock.advance(3 * HOUR + 16 * MINUTE)

    run(
        open_with(house, path),
        monkeypatch,
        lambda: None,
        until_the_next,
        reader.after(MINUTE),
        reader,
    )

    # One minute after the last time that it was written.
    before, after = reader["round_last_finished_timestamp_seconds"]
    assert after - before == timedelta(hours=3, minutes=17).total_seconds()


def test_it_is_gone_with_the_scheduler(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(open_with(house, path), monkeypatch)

    assert not path.exists()
    assert not list(path.parent.glob(".voicereg-*"))


def test_a_link_to_it_stays(
    house: House, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "elsewhere"
    path.symlink_to(target)
    written: list[bool] = []

    run(open_with(house, path), monkeypatch, lambda: None, lambda: written.append(target.exists()))

    assert written == [True]
    assert path.is_symlink()
    assert not target.exists()


def test_a_file_that_cannot_be_written_is_said_once_and_disturbs_no_round(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    missing = path.parent / "missing" / path.name
    reader = Reader(house, missing)

    def later() -> None:
        house.clock.advance(6 * HOUR)

    def mended() -> None:
        missing.parent.mkdir()
        house.clock.advance(6 * HOUR)

    run(open_with(house, missing), monkeypatch, lambda: None, later, mended, reader)

    (text,) = [text for text in said(caplog) if "figures" in text]
    assert text.startswith("the figures were not written: ")
    assert "No such file or directory" in text
    assert reader["round_last_started_timestamp_seconds"] == [stamp(house.clock.now())]


def test_while_the_database_is_away_the_file_stays_with_its_time(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    registry = open_with(house, path)
    reader = Reader(house, path)
    began = stamp(house.clock.now())
    away = database_away()

    def goes() -> None:
        reader()
        away.__enter__()
        house.clock.advance(HOUR)

    def comes() -> None:
        reader()
        away.__exit__(None, None, None)
        house.clock.advance(HOUR)

    run(registry, monkeypatch, lambda: None, goes, lambda: None, comes, reader)

    assert reader["read_timestamp_seconds"] == [began, began, began + 7200]
    assert len([text for text in said(caplog) if "the figures were not written" in text]) == 1


def test_what_cannot_be_taken_away_is_said(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def in_its_place() -> None:
        path.unlink()
        (path / "inside").mkdir(parents=True)

    run(open_with(house, path), monkeypatch, lambda: None, in_its_place)

    assert "tells old figures from now on" in said(caplog)[-1]
