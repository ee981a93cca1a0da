"""The settings of connections to PostgreSQL."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest

from voicereg.settings import PostgresqlSettings

from .conftest import Write, loaded, refused

NUMBERS = ["pool_size", "pool_overflow"]
DURATIONS = [known.name for known in fields(PostgresqlSettings) if known.name not in NUMBERS]


def test_everything_that_there_is(write: Write) -> None:
    content = """
        database = "postgresql://user@host/name"
        [postgresql]
        pool_size = 1
        pool_overflow = 0
        pool_timeout = "1s"
        connect_timeout = "2s"
        statement_timeout = "3m"
        lock_timeout = "4s"
        restart_wait = "1d"
        """
    assert loaded(write(content)).postgresql == PostgresqlSettings(
        pool_size=1,
        pool_overflow=0,
        pool_timeout=timedelta(seconds=1),
        connect_timeout=timedelta(seconds=2),
        statement_timeout=timedelta(minutes=3),
        lock_timeout=timedelta(seconds=4),
        restart_wait=timedelta(days=1),
    )


@pytest.mark.parametrize("content", ["", "[postgresql]\n"])
def test_the_defaults(write: Write, content: str) -> None:
    settings = loaded(write(content)).postgresql

    assert settings == PostgresqlSettings()
    for name in DURATIONS:
        assert timedelta(0) < getattr(settings, name) <= timedelta(minutes=1), name


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["-1", "1001", "1.5", "true", "'5'", "[]"])
def test_a_number_that_does_not_fit(write: Write, name: str, value: str) -> None:
    (problem,) = refused(write(f"[postgresql]\n{name} = {value}\n"))

    assert problem.where.endswith(f": postgresql.{name}")
    assert "it must be a whole number from" in problem.rule


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", ["0", "5", "'5'", "'0s'", "'-1s'", "'2d'", "'25h'", "true"])
def test_a_duration_that_does_not_fit(write: Write, name: str, value: str) -> None:
    (problem,) = refused(write(f"[postgresql]\n{name} = {value}\n"))

    assert problem.where.endswith(f": postgresql.{name}")
    assert "it must be" in problem.rule


def test_what_is_not_known_is_named(write: Write) -> None:
    problems = refused(write("[postgresql]\nmax_overflow = 3\npool_size = 0\n"))

    assert {problem.where.rpartition(": ")[2] for problem in problems} == {
        "postgresql.max_overflow",
        "postgresql.pool_size",
    }


def test_a_table_it_must_be(write: Write) -> None:
    (problem,) = refused(write("postgresql = 'postgresql://user@host/name'\n"))

    assert "it must be a table [postgresql]" in problem.rule
    assert "user@host" not in str(problem)
