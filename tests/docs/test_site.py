"""The site is built, and nothing in it is amiss."""

from __future__ import annotations

from pathlib import Path

import pytest
from sphinx.cmd.build import build_main

from tests.docs.markdown import DOCS


# What Sphinx plans for its next versions is for those who write its extensions.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_it_is_built_without_a_warning(tmp_path: Path) -> None:
    """Every page is read and every reference looked up; to write HTML would only take longer."""
    options = ["-W", "--keep-going", "-n", "-q", "-b", "dummy", "-d", str(tmp_path / "read")]

    assert build_main([*options, str(DOCS), str(tmp_path / "site")]) == 0
