"""What every family's wire can do, and what they share of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol

from voicereg.domain.designs import DesignRequest
from voicereg.domain.remote import RemoteVoice
from voicereg.domain.voice_ids import is_voice_id
from voicereg.domain.voices import Origin

Body = Mapping[str, Any]

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class ListingKind:
    """One of the listings that a family's voices are spread over."""

    model: str
    """The management model that is asked."""
    action: str
    origins: frozenset[Origin]
    has_total: bool
    last_page_index: int | None
    """The highest page index that is documented; None: no limit is."""

    def body(self, page_index: int, page_size: int) -> Body:
        """The request for one page."""
        return {
            "model": self.model,
            "input": {"action": self.action, "page_index": page_index, "page_size": page_size},
        }


class Wire(Protocol):
    """The requests of one family, and how its answers are read.

    Reading raises ``ValueError`` with a few words where something that must be there is not.
    """

    @property
    def id_field(self) -> str:
        """The name of a voice's id in answers."""

    @property
    def listings(self) -> tuple[ListingKind, ...]:
        """Where all of the family's voices are listed."""

    def create_body(self, request: DesignRequest) -> Body:
        """The request that designs a voice."""

    def item(self, item: Mapping[str, Any], kind: ListingKind) -> RemoteVoice:
        """A voice from an item of a listing."""

    def query_body(self, voice_id: str, origin: Origin) -> Body:
        """The request that asks for one voice, of an origin that the family's rules let it."""

    def queried(self, output: Mapping[str, Any], voice_id: str, origin: Origin) -> RemoteVoice:
        """A voice from the answer to a query."""

    def delete_body(self, voice_id: str, origin: Origin) -> Body:
        """The request that deletes a voice."""


def parameters(request: DesignRequest) -> Body:
    """How the preview audio is to be, the same for every family."""
    return {"sample_rate": request.sample_rate, "response_format": request.response_format}


def required_text(fields: Mapping[str, Any], name: str) -> str:
    """The text at ``name``.

    Raises:
        ValueError: there is none.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"a voice has no {name}")
    return checked_id(value) if name in {"voice", "voice_id"} else value


def checked_id(voice_id: str) -> str:
    """``voice_id``, when it can be an id at all.

    Raises:
        ValueError: it is too long, or has a character that no id has.
    """
    if not is_voice_id(voice_id):
        raise ValueError("a voice id that is none")
    return voice_id


def optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    """The text at ``name``, where there is one that a database can hold."""
    value = fields.get(name)
    if not isinstance(value, str) or not value or "\x00" in value:
        return None
    return value.encode("utf-8", "replace").decode("utf-8")


def name_in(rest: str) -> str | None:
    """The name that the rest of an id begins with, after the documented beginning.

    No name of the documented kind has a dash in it.
    """
    name, dash, _ = rest.partition("-")
    return name if name and dash else None


def both_readings(fields: Mapping[str, Any], name: str) -> tuple[datetime | None, datetime | None]:
    """A time without a zone, read as Beijing time and as UTC.

    The provider's API reference does not say which it is. The Beijing reading is the earlier one,
    and so the safe one for a deadline.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        return None, None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC), moment.astimezone(UTC)
        return moment.replace(tzinfo=BEIJING).astimezone(UTC), moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: the year 1, which stands for "never"
        return None, None
