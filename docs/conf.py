"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from voicereg.version import __version__  # noqa: E402 - found by the line above

project = "voicereg"
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
language = "en"

html_theme = "furo"
html_title = "voicereg"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True}
# What a prompt or a comment is made of is no command.
copybutton_exclude = ".linenos, .gp, .go"

# Options such as --yes are to stay as they are typed.
smartquotes = False
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "exclude-members": "__init__, __new__"}
autodoc_preserve_defaults = True
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# The site is built without a network, so that nothing of Python's own can be looked up.
_PYTHONS = (
    "Any|Callable|Exception|Iterator|Iterable|Mapping|Path|Sequence|Self|TracebackType|Unpack|StrEnum"
    "|bool|bytes|date|datetime|float|int|object|str|timedelta|type"
)
_CALLBACKS = "AsyncHooks|ClientFactory|Hooks|OnBytes|OnProgress|OnStage|Sleep"
nitpick_ignore_regex = [
    (r"py:(class|exc|obj|data)", rf"(?:\w+\.)*(?:{_PYTHONS}|{_CALLBACKS})"),
    (r"py:class", r"(?:collections\.abc\.|tuple\[|dict\[).*"),
]

_PROSE = {"attribute", "data", "property"}


def _read_docstring(
    app: Sphinx, what: Any, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Read a docstring in Google's style; but a colon in that of an attribute is only a colon."""
    if what not in _PROSE:
        style: Any = Config(napoleon_use_rtype=False)
        lines[:] = GoogleDocstring(lines, style, app, what, name, obj, options).lines()


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", _read_docstring)
    return {"parallel_read_safe": True}
