"""What ``voicereg`` itself exports, and that asking for none of it costs nothing."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import voicereg
from voicereg.domain import errors, provider_errors

SOURCE = ast.parse(Path(inspect.getfile(voicereg)).read_text(encoding="utf-8"))
HEAVY = ["sqlalchemy", "httpx", "click", "rich", "alembic", "apscheduler", "platformdirs"]


def _exception_classes() -> list[type[voicereg.VoiceregError]]:
    return [
        found
        for module in (errors, provider_errors)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, errors.VoiceregError) and found.__module__ == module.__name__
    ]


def _static_names() -> dict[str, str]:
    """What a type checker sees: each name, and the module that it comes from."""
    return {
        alias.asname or alias.name: statement.module or ""
        for block in SOURCE.body
        if isinstance(block, ast.If)
        and isinstance(block.test, ast.Name)
        and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def _lazy_names() -> dict[str, str]:
    """What a running program sees, read from the table and not from the module."""
    for statement in SOURCE.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "_HOMES":
            homes = ast.literal_eval(statement.value)
            return {name: home for home, names in homes.items() for name in names}
    raise AssertionError("voicereg/__init__.py has no table of lazy names")


def _names_of(*homes: str) -> list[str]:
    return sorted(name for name, home in _lazy_names().items() if home.startswith(homes))


@pytest.mark.parametrize("error", _exception_classes(), ids=lambda error: error.__name__)
def test_every_exception_is_exported(error: type[voicereg.VoiceregError]) -> None:
    assert error.__name__ in voicereg.__all__
    assert getattr(voicereg, error.__name__) is error


def test_the_static_names_are_the_lazy_ones() -> None:
    assert _static_names() == _lazy_names()


def test_every_static_name_is_marked_as_exported() -> None:
    for block in SOURCE.body:
        if isinstance(block, ast.If):
            for statement in block.body:
                assert isinstance(statement, ast.ImportFrom)
                assert all(alias.asname == alias.name for alias in statement.names)


def test_all_is_the_table_and_the_version() -> None:
    assert sorted(voicereg.__all__) == sorted([*_lazy_names(), "__version__"])
    assert len(voicereg.__all__) == len(set(voicereg.__all__))


@pytest.mark.parametrize("name", _names_of("voicereg.domain", "voicereg.settings"))
def test_a_name_is_that_of_its_home(name: str) -> None:
    home = importlib.import_module(_lazy_names()[name])
    assert getattr(voicereg, name) is getattr(home, name)
    assert getattr(voicereg, name).__module__ == home.__name__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Registrar'"):
        getattr(voicereg, "Registrar")  # noqa: B009 - the name is what is tested


def test_dir_shows_what_is_not_loaded_yet() -> None:
    assert set(voicereg.__all__) <= set(dir(voicereg))


@pytest.mark.parametrize(
    "statement",
    [
        "import voicereg",
        "import voicereg; voicereg.__version__",
        "import voicereg; dir(voicereg)",
        "from voicereg import Voice, Quota, DesignRequest, QuotaExceeded, VoiceQuotaFull",
        "from voicereg import Settings",
    ],
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    program = f"{statement}\nimport sys\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.split()
    assert "voicereg" in loaded
    assert not set(HEAVY) & set(loaded)
