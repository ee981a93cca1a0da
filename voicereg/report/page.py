"""The page: facts poured into the template, with a policy that lets it ask for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from voicereg.domain.audio import PreviewAudio
from voicereg.domain.clock import rfc3339
from voicereg.domain.counts import many
from voicereg.domain.deadlines import WITHIN, Urgency
from voicereg.domain.families import Family
from voicereg.domain.states import State
from voicereg.report import charts, rows, wording
from voicereg.report.facts import Facts
from voicereg.report.previews import Placement, Previews
from voicereg.report.texts import clipped, is_chinese, visible

_BUFFERED = 200
"""So many pieces of the template are written together."""
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect "
    "width='16' height='16' rx='4' fill='%23215fa6'/%3E%3Cpath d='M4 7v2M7 4v8M10 6v4M13 7.5v1' "
    "stroke='white' stroke-width='1.6' stroke-linecap='round'/%3E%3C/svg%3E"
)


class Page:
    """One HTML page."""

    def __init__(
        self,
        facts: Facts,
        previews: Previews,
        *,
        read_preview: Callable[[str], PreviewAudio | None],
        zone: tzinfo | None = None,
    ) -> None:
        """Make a page.

        Args:
            facts: what it tells.
            previews: where the previews go.
            read_preview: reads the preview of the voice with that registry id.
            zone: what times are shown in; None: the machine's.
        """
        self._facts = facts
        self._previews = previews
        self._read_preview = read_preview
        self._times = wording.LocalTimes(zone)

    def pieces(self) -> Iterator[str]:
        """The page from its beginning to its end, with one preview at a time in memory."""
        facts, found = self._facts, self._facts.registry
        template = _environment().get_template("page.html")
        stream = template.stream(
            facts=facts,
            found=found,
            now=found.read_at,
            times=self._times,
            policy=self._policy(),
            icon=ICON,
            css=Markup(_asset("page.css")),  # noqa: S704 - our own file
            script=Markup(_asset("page.js")),  # noqa: S704
            beginning=Markup(_asset("beginning.js")),  # noqa: S704
            columns=rows.columns(with_account=facts.has_several_accounts),
            rows=rows.rows(found.voices, found.read_at, self._previews, found.previews, self._url),
            choices=rows.choices(found.voices),
            deadline_charts=charts.deadline_charts(found.deadlines, self._times),
            use_charts=charts.use_charts(found.months),
            placed={one.name: len(self._previews.placed(one)) for one in Placement},
            folder=self._previews.folder,
        )
        stream.enable_buffering(_BUFFERED)
        yield from stream

    def _url(self, voice: str) -> str | None:
        return self._previews.url(voice, self._facts.registry.previews[voice], self._read_preview)

    def _policy(self) -> str:
        """What the page may do: run its own script, and nothing that needs a request."""
        scripts = " ".join(_digest(_asset(name)) for name in ("beginning.js", "page.js"))
        # What lies beside the page is of its own origin on a server; opened as a file, it has none.
        beside = " 'self' file:" if self._previews.placed(Placement.BESIDE) else ""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src {scripts}",
                f"style-src {_digest(_asset('page.css'))}",
                "img-src data:",
                f"media-src data:{beside}",
                "base-uri 'none'",
                "form-action 'none'",
            )
        )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": visible,
        "clipped": clipped,
        "rfc3339": rfc3339,
        "epoch": _epoch,
        "month_name": wording.month_name,
    }
    environment.tests["chinese"] = is_chinese
    environment.globals |= {
        "many": many,
        "forecast_text": wording.forecast_text,
        "freshness_text": wording.freshness_text,
        "gauge": charts.gauge,
        "families": list(Family),
        "State": State,
        "Urgency": Urgency,
        "Placement": Placement,
        "urgencies": wording.URGENCIES,
        "bases": wording.BASES,
        "within": WITHIN,
        "widths": charts.WIDTHS,
    }
    return environment


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())


@lru_cache
def _asset(name: str) -> str:
    return (files("voicereg.report") / "assets" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
