"""A reader who does what a page says: types its commands, saves its files, runs its Python."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import Result, environment
from tests.docs.markdown import SHELLS, Block, blocks
from voicereg.cli.manifest_files import read_document
from voicereg.domain.manifests import read_manifest
from voicereg.settings import load


@dataclass
class Reader:
    """Follows a page from its beginning to its end, in one directory and one environment.

    Args:
        cli: runs voicereg in this process.
        monkeypatch: keeps what is exported for the time of the test.
        elsewhere: what stands in for addresses of the page.
        instead: what is typed in place of a command, word for word.
        left_out: commands that a test cannot run, each with the reason.
        exits: exit codes other than 0, by command.
        voice: says which voice ``VOICE`` is, in a command.
        names: what Python of the page finds beside its own.
    """

    cli: Cli
    monkeypatch: pytest.MonkeyPatch
    voice: Callable[[str], str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, object] = field(default_factory=dict)

    def follow(self, page: Path) -> None:
        """Do all that the page says, and nothing else.

        Whatever is kept ready for a command that the page shows no more fails, too.
        """
        said: list[str] = []
        met: set[str] = set()
        for block in blocks(page):
            if block.language in SHELLS:
                for command in block.commands():
                    met.add(command)
                    if command not in self.left_out:
                        said.append(self._typed(block, command))
            elif block.language == "text":
                _assert_said(block, "\n".join(said))
                said.clear()
            elif block.file_name is not None:
                Path(block.file_name).write_text(self._put(block.text), encoding="utf-8")
            elif block.language == "toml":
                self._load(block)
            elif block.language == "csv":
                _assert_declares(block)
            elif block.language == "python":
                code = compile(self._put(block.text), block.place, "exec")
                exec(code, {"__name__": "__main__", **self.names})
            else:
                raise AssertionError(f"{block.place}: a test does not know what to do with it")
        unmet = {*self.left_out, *self.instead, *self.exits} - met
        assert not unmet, f"{page.name} shows this no more: {sorted(unmet)}"

    def _typed(self, block: Block, command: str) -> str:
        """Run a command, and return what it printed."""
        line = self.instead.get(command, command)
        if "VOICE" in line.split():
            line = re.sub(r"\bVOICE\b", self.voice(command), line)
        line = self._put(line)
        assert "…" not in line, f"{block.place}: a test must know what … stands for: {command}"
        result = self._run(line)
        expected = self.exits.get(command, 0)
        assert result.code == expected, f"{block.place}: {command}: {result}"
        return result.out + result.err

    def _run(self, line: str) -> Result:
        words = shlex.split(line)
        match words[0]:
            case "voicereg":
                return self.cli(*words[1:])
            case "export":
                return self._export(line)
            case "cd":
                self.monkeypatch.chdir(Path(words[1]).expanduser())
                return Result(0, "", "")
            case "curl":
                return _curl(words)
            case "python":
                line = f"{shlex.quote(sys.executable)} {line.removeprefix('python ')}"
        done = subprocess.run(
            ["sh", "-c", line], capture_output=True, encoding="utf-8", env=environment(), timeout=60
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _export(self, line: str) -> Result:
        """Have a shell read it, which knows what is quoted and what stands for another value."""
        done = subprocess.run(
            ["sh", "-c", f"{line}; env -0"], capture_output=True, encoding="utf-8", check=True
        )
        for entry in filter(None, done.stdout.split("\0")):
            name, _, value = entry.partition("=")
            if re.search(rf"\b{name}=", line):
                self.monkeypatch.setenv(name, value)
        return Result(0, "", done.stderr)

    def _load(self, block: Block) -> None:
        """Settings that are no file of the page's are only read."""
        file = Path("settings.toml").absolute()
        file.write_text(block.text, encoding="utf-8")
        load(config=file, environment={})

    def _put(self, text: str) -> str:
        for shown, meant in self.elsewhere.items():
            text = text.replace(shown, meant)
        return text


def _assert_declares(block: Block) -> None:
    """A table is a manifest that could be applied."""
    manifest = read_manifest(read_document(BytesIO(block.text.encode()), "csv"))
    assert manifest.entries
    assert not manifest.problems, f"{block.place}: {manifest.problems}"


def _curl(words: list[str]) -> Result:
    """As much of it as the pages use."""
    program, post, method, data, body, url = words
    assert (program, post, method, data) == ("curl", "-X", "POST", "-d"), words
    request = urllib.request.Request(url, body.encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return Result(0, answer.read().decode(), "")


def _assert_said(block: Block, said: str) -> None:
    """Each line of the block was printed; ``…`` stands for anything."""
    for line in block.text.splitlines():
        pattern = ".*".join(map(re.escape, line.split("…")))
        assert re.search(rf"^{pattern}$", said, re.MULTILINE), f"{block.place}: {line}: {said}"
