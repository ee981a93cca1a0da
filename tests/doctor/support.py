"""What the doctor says, and what always holds of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import sqlalchemy as sa

from tests.cli.conftest import Cli
from tests.cli.support import Result
from tests.registry.rows import begun
from voicereg.cli.main import cli as program
from voicereg.doctor.findings import FINDING_KEYS, Finding, Outcome
from voicereg.tables import rounds, sync_states

KEY = "distinctive-and-nowhere-to-be-seen"
"""The API key of these tests, which nothing may show."""
DAY = timedelta(days=1)


class Report:
    """What one look found. The findings that a test is about are asked for by their check."""

    def __init__(self, result: Result) -> None:
        documents = result.json()
        assert all(tuple(document) == FINDING_KEYS for document in documents)
        self.findings = [
            Finding(each["check"], Outcome(each["outcome"]), each["what"], each["advice"])
            for each in documents
        ]
        self.result = result
        is_wrong = any(each.outcome is Outcome.WRONG for each in self.findings)
        assert result.code == (1 if is_wrong else 0), result
        assert "internal error" not in result.out, result.out
        for finding in self.findings:
            assert_advice(finding)
        assert KEY not in result.out + result.err
        assert "Traceback" not in result.err

    def wrong(self, check: str) -> Finding:
        """The only finding of a check, which is that something is wrong."""
        return self._only(check, Outcome.WRONG)

    def warning(self, check: str) -> Finding:
        """The only finding of a check, which is a warning."""
        return self._only(check, Outcome.WARNING)

    def ok(self, check: str) -> Finding:
        """The only finding of a check, which is that all is well."""
        return self._only(check, Outcome.OK)

    def skipped(self, check: str) -> Finding:
        """The only finding of a check, which is that it was not looked at."""
        return self._only(check, Outcome.SKIPPED)

    def all(self, check: str, outcome: Outcome) -> list[Finding]:
        """The findings of a check with an outcome."""
        return [each for each in self.findings if (each.check, each.outcome) == (check, outcome)]

    @property
    def loud(self) -> list[str]:
        """The checks that found something to be mended."""
        quiet = (Outcome.OK, Outcome.SKIPPED)
        return [each.check for each in self.findings if each.outcome not in quiet]

    def _only(self, check: str, outcome: Outcome) -> Finding:
        found = [each for each in self.findings if each.check == check]
        assert [each.outcome for each in found] == [outcome], (check, self.findings)
        return found[0]


def assert_advice(finding: Finding) -> None:
    """There is advice where something is to be done, and every command in it can be typed."""
    if finding.outcome in (Outcome.OK, Outcome.SKIPPED):
        assert finding.advice is None
        return
    assert finding.advice, finding
    for command, options in commands_in(finding.advice):
        known = {name for each in command.params for name in each.opts + each.secondary_opts}
        assert set(options) <= known, (finding.advice, known)


def commands_in(advice: str) -> Iterator[tuple[click.Command, Sequence[str]]]:
    """The commands of the program that advice names, and the options that it gives them."""
    for clause in re.findall(r"voicereg (.*?)(?=[;:]|\. |voicereg |$)", advice):
        words = [word.rstrip(",.") for word in clause.split()]
        while words and words[0] in ("-a", "-d"):
            words = words[2:]
        command: click.Command = program
        while isinstance(command, click.Group):
            with click.Context(command) as context:
                found = command.get_command(context, words.pop(0))
            assert found is not None, advice
            command = found
        yield command, [word for word in words if word.startswith("-")]


@dataclass
class Patient:
    """A registry that is in order, and what the doctor says of it."""

    cli: Cli
    config: Path

    @property
    def url(self) -> str:
        return self.cli.database

    @property
    def file(self) -> Path:
        """The file of a SQLite registry."""
        return Path(self.url.removeprefix("sqlite:///"))

    def examine(self, *words: str, before: Sequence[str] = ()) -> Report:
        return Report(self.cli(*before, "doctor", "--json", *words))

    def write(self, content: str, *, channel: bool = True, mode: int = 0o600) -> None:
        """Write the settings file; unless a test has channels of its own, there is one."""
        told = self.config.with_name("told.jsonl")
        ours = f'[[channel]]\nname = "record"\nurl = "file://{told}"\n' if channel else ""
        self.config.write_text(f"{content}\n{ours}", encoding="utf-8")
        self.config.chmod(mode)

    def execute(self, statement: str, **values: object) -> None:
        """Change the database behind the registry's back."""
        with begun(self.url) as connection:
            connection.execute(sa.text(statement), values)


def put_in_order(url: str, now: datetime | None = None) -> None:
    """All accounts were compared a little while ago, in a round that went well."""
    ended = (now or datetime.now(UTC)) - timedelta(minutes=5)
    with begun(url) as connection:
        connection.execute(
            sa.insert(sync_states),
            [
                {"account_id": 1, "family": family, "tried_at": ended, "synced_at": ended}
                for family in ("cosyvoice", "qwen-tts")
            ],
        )
    add_round(url, ended=ended)


def add_round(
    url: str,
    *,
    ended: datetime | None,
    began: datetime | None = None,
    good: bool = True,
    due: datetime | None = None,
) -> None:
    """A round on record; one that has not ended where ``ended`` is None."""
    with begun(url) as connection:
        connection.execute(
            sa.insert(rounds).values(
                holder="anna@studio (cli), process 4711",
                due_at=due,
                started_at=began or (ended or datetime.now(UTC)) - timedelta(minutes=1),
                finished_at=ended,
                ok=None if ended is None else good,
            )
        )
