"""What a million voices cost, against ten thousand: the same questions to both, in turn.

Two shapes of registry: many accounts with as many voices as their quotas hold, and one account
with all of them. PostgreSQL or SQLite; ``--url`` names where databases may be made.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.pairs import Result, as_json, compare, show
from benchmarks.population import NOW
from benchmarks.registries import populate
from voicereg import Registry, Settings
from voicereg.domain.routes import VoiceRule
from voicereg.settings import ChannelSettings

SMALL, LARGE = 10_000, 1_000_000
PAIRS = 7
_CHANNEL = ChannelSettings(name="log", url="log://", rule=VoiceRule())


class _Still:
    """A clock that stands at the time that the rows are of."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> timedelta:
        return timedelta(seconds=time.monotonic())


@dataclass(frozen=True)
class Question:
    """Something that is asked of a registry."""

    what: str
    ask: Callable[[Registry], object]
    grows: bool = False
    """Whether what is asked for grows with the registry, so that its cost may as well."""


def _warnings(registry: Registry) -> object:
    concerns = registry.warnings.concerns("default", None)
    return registry.warnings.prepare(_CHANNEL, concerns, {"default": None}, None)


QUESTIONS = (
    Question("quota", lambda registry: registry.quotas()),
    Question("list --limit 50", lambda registry: registry.voices(limit=50)),
    Question(
        "list --limit 50 --all-accounts",
        lambda registry: registry.voices(limit=50, account=Registry.ALL_ACCOUNTS),
    ),
    Question("list --limit 50 --all", lambda registry: registry.voices(limit=50, with_gone=True)),
    *(
        Question(
            f"list --limit 50 --sort {sort}",
            lambda registry, sort=sort: registry.voices(limit=50, sort=sort),  # type: ignore[misc]
        )
        for sort in ("deadline", "used", "updated", "name", "model", "state")
    ),
    Question(
        "list --limit 50 --sort deadline --all-accounts",
        lambda registry: registry.voices(limit=50, sort="deadline", account=Registry.ALL_ACCOUNTS),
    ),
    Question(
        "list --limit 50 --tag rare",
        lambda registry: registry.voices(
            limit=50, tags={"rare": None}, account=Registry.ALL_ACCOUNTS
        ),
    ),
    Question(
        "list --limit 50 --tag team=news",
        lambda registry: registry.voices(limit=50, tags={"team": "news"}),
    ),
    Question("list --limit 50 --owner", lambda registry: registry.voices(limit=50, owner="team-7")),
    Question(
        "list --limit 50 --search (a word)",
        lambda registry: registry.voices(
            limit=50, search="take 7772.", account=Registry.ALL_ACCOUNTS
        ),
    ),
    Question(
        "list --limit 50 --search (Chinese)",
        lambda registry: registry.voices(
            limit=50, search="第7773版", account=Registry.ALL_ACCOUNTS
        ),
    ),
    Question(
        "list --limit 50 --search (two letters)",
        lambda registry: registry.voices(limit=50, search="温柔"),
    ),
    Question(
        "list --limit 50 --search (nothing)",
        lambda registry: registry.voices(
            limit=50, search="not to be found", account=Registry.ALL_ACCOUNTS
        ),
    ),
    Question(
        "list --limit 50 --unused-for 200",
        lambda registry: registry.voices(limit=50, unused_for=timedelta(days=200)),
    ),
    Question("expiring --within 7", lambda registry: registry.expiring(within=timedelta(days=7))),
    Question("warning round", _warnings),
    Question("show, by id", lambda registry: registry.voice("v00000000007")),
    Question("show, by a beginning", lambda registry: registry.voice("v0000000000a"[:11] + "7")),
    Question("events --limit 50", lambda registry: registry.events(limit=50)),
    Question(
        "metrics",
        lambda registry: (registry.figures.families(), registry.figures.keep_alives()),
        grows=True,
    ),
)


def measure(small: Registry, large: Registry, pairs: int, only: str | None) -> Iterator[Result]:
    """A row for every question."""
    for question in QUESTIONS:
        if only and only not in question.what:
            continue

        def timed(registry: Registry, question: Question = question) -> float:
            started = time.perf_counter()
            question.ask(registry)
            return time.perf_counter() - started

        yield compare(
            question.what,
            lambda: timed(large),
            "the same of the small registry",
            lambda: timed(small),
            reach=float("inf") if question.grows else 3.0,
            pairs=pairs,
        )


@contextmanager
def opened(url: str, voices: int | None = None, accounts: int | None = None) -> Iterator[Registry]:
    """A registry; a file of so many voices is made where it is not there yet."""
    if voices is not None and not Path(url.removeprefix("sqlite:///")).exists():
        populate(url, voices, accounts=accounts)
    with Registry.open(url, settings=Settings(), environment={}, clock=_Still()) as registry:
        yield registry


def _asked_for(
    given: str | None, url: Callable[[int], str], voices: int, accounts: int | None
) -> AbstractContextManager[Registry]:
    return opened(given) if given else opened(url(voices), voices, accounts)


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="how often each is measured")
    parser.add_argument("--small", type=int, default=SMALL, help="voices in the small registry")
    parser.add_argument("--large", type=int, default=LARGE, help="voices in the large registry")
    parser.add_argument("--accounts", type=int, help="how many share them; 1: all in one")
    parser.add_argument("--directory", type=Path, help="where files are made, and kept")
    parser.add_argument("--small-url", help="an existing registry, instead")
    parser.add_argument("--large-url", help="likewise")
    parser.add_argument("--only", help="only questions with this in their names")
    given = parser.parse_args()
    results: Sequence[Result]
    with tempfile.TemporaryDirectory() as temporary:
        place = given.directory or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        shape = "one" if given.accounts == 1 else "many"

        def url(voices: int) -> str:
            return f"sqlite:///{place}/{shape}-{voices}.db"

        with (
            _asked_for(given.small_url, url, given.small, given.accounts) as small,
            _asked_for(given.large_url, url, given.large, given.accounts) as large,
        ):
            results = list(measure(small, large, given.pairs, given.only))
    if given.json:
        print(as_json(results))
    else:
        show(results)


if __name__ == "__main__":
    main()
