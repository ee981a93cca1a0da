"""Start-up: what a user waits for before a command does anything.

``--help`` and ``--version`` against ``import click``; ``quota`` and ``list`` of 2,000 voices
against ``import sqlalchemy``. Each is a whole process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pairs import Result, compare, main
from benchmarks.registries import fill

VOICES = 2_000
_PROGRAM = Path(sys.executable).parent / "voicereg"


def measure_all(pairs: int) -> Sequence[Result]:
    """Every row."""
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "voicereg.db"
        fill(database, VOICES)
        # As a user has it: nothing in the way of compiled modules or of buffers.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VOICEREG_", "PYTHON"))
        } | {"VOICEREG_DATABASE": str(database), "XDG_CONFIG_HOME": directory}

        def process(*command: str) -> float:
            started = time.perf_counter()
            subprocess.run(
                command, env=environment, stdout=subprocess.DEVNULL, check=True, cwd=directory
            )
            return time.perf_counter() - started

        def row(arguments: Sequence[str], module: str, reach: float) -> Result:
            return compare(
                "voicereg " + " ".join(arguments),
                lambda: process(str(_PROGRAM), *arguments),
                f'python -c "import {module}"',
                lambda: process(sys.executable, "-c", f"import {module}"),
                reach=reach,
                pairs=pairs,
            )

        return [
            row(["--help"], "click", 2.0),
            row(["--version"], "click", 2.0),
            row(["quota"], "sqlalchemy", 1.5),
            row(["list"], "sqlalchemy", 1.5),
            row(["list", "--json"], "sqlalchemy", 1.5),
        ]


if __name__ == "__main__":
    main(__doc__ or "", measure_all, pairs=15)
