"""A registry of many voices, as benchmarks make it: a sound one."""

from __future__ import annotations

from contextlib import closing

import pytest

from benchmarks.population import LIVE_PER_ACCOUNT, RARE
from benchmarks.registries import populate
from benchmarks.scale import QUESTIONS, Question, opened
from voicereg import Registry, Settings
from voicereg.engine import Database
from voicereg.schema.checks import problems

COUNT = 2_500


@pytest.fixture(scope="module")
def small_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('small') / 'small.db'}"
    populate(url, COUNT, accounts=1)
    return url


def everyone(registry: Registry, **options: object) -> int:
    return sum(1 for _ in registry.iter_voices(account=Registry.ALL_ACCOUNTS, **options))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def test_it_is_sound(empty_database_url: str) -> None:
    populate(empty_database_url, COUNT, accounts=1)

    with closing(Database.open(empty_database_url)) as database:
        assert problems(database) == []
    with Registry.open(empty_database_url, settings=Settings(), environment={}) as registry:
        assert everyone(registry, with_gone=True) == COUNT
        assert 0.8 < everyone(registry) / LIVE_PER_ACCOUNT < 1.2
        for quota in registry.quotas(account=Registry.ALL_ACCOUNTS):
            assert 0 < quota.used <= quota.limit
        assert everyone(registry, with_gone=True, tags={"rare": None}) == RARE
        assert everyone(registry, with_gone=True, search="17版") > 0
        assert everyone(registry, with_gone=True, search="温柔") > 100


def test_the_same_seed_gives_the_same_voices(small_url: str) -> None:
    again = small_url.replace("small.db", "again.db")
    populate(again, COUNT, accounts=1)

    with (
        Registry.open(small_url, settings=Settings(), environment={}) as one,
        Registry.open(again, settings=Settings(), environment={}) as other,
    ):
        assert one.voices(with_gone=True) == other.voices(with_gone=True)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.what)
def test_every_question_has_an_answer(small_url: str, question: Question) -> None:
    with opened(small_url) as registry:
        question.ask(registry)
