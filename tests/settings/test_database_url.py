"""Which database is meant: a URL, a path, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from voicereg import InvalidInput, Settings
from voicereg.settings import as_database_url, default_database_path, load

from .conftest import Write

PASSWORD = "tr0ub4dor"


@pytest.mark.parametrize(
    "path",
    [
        "/srv/voices.db",
        "/srv/my voices/voices.db",
        "/srv/声音.db",
        "/srv/a#b.db",
        "/srv/a@b:c.db",
        "/srv/a+b&c=d.db",
        "/srv/why?.db",
        "/srv/why?mode=ro",
        "/srv/100%.db",
        "/srv/a%20b.db",
        "/srv/a%3Fb.db",
    ],
)
def test_an_absolute_path_is_that_sqlite_file(path: str) -> None:
    url = make_url(as_database_url(path))
    assert url.get_backend_name() == "sqlite"
    assert url.database == path
    assert not url.query
    assert url.host is None


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_file_name_is_that_file(name: str) -> None:
    path = f"/srv/x{name}"
    assume("://" not in path)
    assert make_url(as_database_url(path)).database == str(Path(path))


@pytest.mark.parametrize("path", ["voices.db", "./voices.db", "data/my voices.db"])
def test_a_relative_path_starts_where_the_program_was_started(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert make_url(as_database_url(path)).database == str(tmp_path / path)


@pytest.mark.parametrize("path", ["~/voices.db", "~/my voices/voices.db"])
def test_a_tilde_is_the_home_directory(path: str, home: Path) -> None:
    assert make_url(as_database_url(path)).database == path.replace("~", str(home))


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        as_database_url("~no-such-user-here/voices.db")
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == ("database", "~no-such-user-here/voices.db")
    assert "home" in problem.rule


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/voices.db",
        "sqlite:///voices.db",
        "sqlite+pysqlite:////srv/voices.db",
        "postgresql://user:pw@host:5432/voices?sslmode=require",
        "postgresql+psycopg://host/voices",
    ],
)
def test_a_url_is_left_as_it_is(url: str) -> None:
    assert as_database_url(url) == url


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("postgres://host/voices", "postgresql://host/voices"),
        ("postgres://postgres:postgres@h/postgres", "postgresql://postgres:postgres@h/postgres"),
    ],
)
def test_the_short_name_of_postgresql_is_understood(url: str, meant: str) -> None:
    assert as_database_url(url) == meant


@pytest.mark.parametrize(
    ("scheme", "shown"),
    [
        ("mysql", "mysql://…"),
        ("mysql+pymysql", "mysql+pymysql://…"),
        ("http", "http://…"),
        ("file", "file://…"),
        ("postgresqls", "postgresqls://…"),
        ("", "://…"),
    ],
)
def test_another_database_is_refused_by_its_scheme_alone(scheme: str, shown: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        as_database_url(f"{scheme}://user:{PASSWORD}@host/voices")
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == ("database", shown)
    assert "postgresql://" in problem.rule
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "given_url",
    [
        f"mysql:{PASSWORD}://host",
        f"user:{PASSWORD}@host/voices?options=a://b",
        f"user:{PASSWORD}://more@host/voices",
    ],
)
def test_a_url_in_disorder_gives_no_password_away(given_url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        as_database_url(given_url)
    assert PASSWORD not in str(caught.value)
    assert all(PASSWORD not in problem.value for problem in caught.value.problems)


@pytest.mark.parametrize(
    "content",
    [
        "database = ['postgresql://user:tr0ub4dor@host/voices']",
        "database = { url = 'postgresql://user:tr0ub4dor@host/voices' }",
        "[database]\nurl = 'postgresql://user:tr0ub4dor@host/voices'",
        "[[database]]\nurl = 'postgresql://user:tr0ub4dor@host/voices'",
        "base_url = ['https://user:tr0ub4dor@host/api/v1']",
        "databse = 'postgresql://user:tr0ub4dor@host/voices'",
        "database = 'postgresql://user:tr0ub4dor@host/voices",
        "database = postgresql://user:tr0ub4dor@host/voices",
    ],
)
def test_a_mistake_in_the_file_gives_no_password_away(write: Write, content: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(config=write(content), environment={})
    assert PASSWORD not in str(caught.value)
    assert all(PASSWORD not in problem.value for problem in caught.value.problems)


@pytest.mark.parametrize("database", [None, ""])
def test_the_default_is_a_file_in_the_data_directory(database: str | None, home: Path) -> None:
    path = default_database_path()
    assert path.is_relative_to(home)
    assert path.name == "voicereg.db"
    assert make_url(Settings(database=database).database_url()).database == str(path)


def test_the_settings_give_the_url_of_what_was_set() -> None:
    assert Settings(database="postgres://h/v").database_url() == "postgresql://h/v"
    assert Settings(database="/srv/a b.db").database_url() == "sqlite:////srv/a b.db"


def test_nothing_is_made_by_asking(home: Path) -> None:
    load(environment={}).database_url()
    assert list(home.iterdir()) == []
