"""Beside what a team would otherwise keep its voices in: MLflow's model registry, on SQLite.

Each voice is a registered model there, with its prompt as description and tags; nothing holds a
slot or knows a quota. It runs in a Python of its own, which ``--python`` names; it needs
``mlflow-skinny``, ``sqlalchemy`` and ``alembic``. Both hold 1,000 entries.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks.pairs import Row, as_json, compare, show
from benchmarks.registries import fill
from voicereg import Registry, Settings

_HELD = 1_000
_PAIRS = 9
_THEIRS = """
import json, logging, sys, time, warnings
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
from mlflow import MlflowClient
url, held = sys.argv[1], int(sys.argv[2])
client = MlflowClient(tracking_uri=url, registry_uri=url)
for number in range(held):
    client.create_registered_model(f"held{number}", tags={"use": "news", "owner": "studio"},
        description="A composed middle-aged male announcer with a deep and magnetic voice.")
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    what, number = json.loads(line)
    started = time.perf_counter()
    if what == "create":
        client.create_registered_model(f"voice{number}", tags={"use": "tales"},
            description="A warm, unhurried woman in her thirties.")
    elif what == "tag":
        client.set_registered_model_tag(f"held{number % held}", "series", str(number))
    elif what == "search":
        assert len(client.search_registered_models("tags.use = 'news'", max_results=50)) == 50
    print(json.dumps(time.perf_counter() - started), flush=True)
"""
_ASKED = {
    "target_model": "cosyvoice-v3.5-plus",
    "prompt": "A warm, unhurried woman in her thirties.",
    "preview_text": "Welcome to our audiobook.",
    "name": "narrator",
}


def measure(python: str, pairs: int) -> list[Row]:
    """The rows beside MLflow."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "registry.db"
        fill(path, _HELD)
        numbers = count()
        with (
            Registry.open(str(path), settings=Settings(), environment={}) as registry,
            _mlflow(python, Path(directory) / "mlflow.db") as theirs,
        ):
            held = [voice.id for voice in registry.voices()]

            def create() -> None:
                with registry.reserve(tags={"use": "tales"}, **_ASKED) as slot:  # type: ignore[arg-type]
                    slot.confirm(f"cosyvoice-v3.5-plus-vd-narrator-{next(numbers)}")

            def tag() -> None:
                registry.edit(held[next(numbers) % _HELD], tags={"series": str(next(numbers))})

            def search() -> None:
                assert len(registry.voices(tags={"use": "news"}, limit=50)) == 50

            return [
                compare(
                    what,
                    lambda own=own: _seconds(own),  # type: ignore[misc]
                    "MLflow's model registry on SQLite",
                    lambda name=name: theirs(name, next(numbers)),  # type: ignore[misc]
                    reach=float("inf"),
                    pairs=pairs,
                )
                for what, name, own in (
                    ("create an entry (reserve + confirm)", "create", create),
                    ("tag an entry", "tag", tag),
                    ("list 50 by tag", "search", search),
                )
            ]


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _mlflow(python: str, path: Path) -> Iterator[Callable[[str, int], float]]:
    command = [python, "-c", _THEIRS, f"sqlite:///{path}", str(_HELD)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=path.parent,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert json.loads(process.stdout.readline()) == "ready"

        def ask(what: str, number: int) -> float:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps([what, number]) + "\n")
            process.stdin.flush()
            seconds: float = json.loads(process.stdout.readline())
            return seconds

        yield ask
        process.stdin.close()


def _has_mlflow(python: str) -> bool:
    found = subprocess.run([python, "-c", "import mlflow"], capture_output=True, check=False)
    return found.returncode == 0


def main() -> None:
    """Measure, and print a table or JSON; an empty one where there is no MLflow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--pairs", type=int, default=_PAIRS, help="how often each is measured")
    parser.add_argument("--python", default=sys.executable, help="a Python that has mlflow")
    given = parser.parse_args()
    if not _has_mlflow(given.python):
        print(f"{given.python} has no mlflow: that comparison is left out", file=sys.stderr)
        rows = []
    else:
        rows = measure(given.python, given.pairs)
    if given.json:
        print(as_json(rows))
    else:
        show(rows)


if __name__ == "__main__":
    main()
