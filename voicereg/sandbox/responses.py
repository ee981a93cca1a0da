"""The events around the audio of a response of ``/realtime``.

Their types and order are the provider's reference's; so is what says where in a response
something is. A few fields of the response and its item that it does not spell out are those
of the realtime protocol that it follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from voicereg.sandbox.errors import ApiError

#: The code that the provider's reference shows for what is wrong with an event.
INVALID_VALUE = "invalid_value"


def failure(error: ApiError) -> dict[str, str]:
    """Return the ``error`` of an event."""
    code = INVALID_VALUE if error.code == "InvalidParameter" else error.code
    return {"code": code, "message": error.message}


@dataclass(frozen=True, slots=True)
class Response:
    """One response, which is one stretch of speech.

    Attributes:
        response_id: its id.
        item_id: that of the only item in it.
        voice: whose voice it is.
    """

    response_id: str
    item_id: str
    voice: str

    def beginning(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the events before the audio: type, and what else is in each."""
        yield "response.created", {"response": self._document("in_progress", [])}
        yield (
            "response.output_item.added",
            {
                "response_id": self.response_id,
                "output_index": 0,
                "item": self._item("in_progress", []),
            },
        )
        yield "response.content_part.added", {**self.place(), "part": _PART}

    def place(self) -> dict[str, Any]:
        """Return what says where in the response some content is."""
        return {
            "response_id": self.response_id,
            "item_id": self.item_id,
            "output_index": 0,
            "content_index": 0,
        }

    def end(self, characters: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the events after the audio, as for ``beginning``.

        Args:
            characters: how many are billed.
        """
        item = self._item("completed", [_PART])
        yield "response.audio.done", self.place()
        yield "response.content_part.done", {**self.place(), "part": _PART}
        yield (
            "response.output_item.done",
            {"response_id": self.response_id, "output_index": 0, "item": item},
        )
        document = self._document("completed", [item])
        yield "response.done", {"response": {**document, "usage": {"characters": characters}}}

    def _document(self, status: str, output: list[Any]) -> dict[str, Any]:
        return {
            "id": self.response_id,
            "object": "realtime.response",
            "conversation_id": "",
            "status": status,
            "modalities": ["text", "audio"],
            "voice": self.voice,
            "output": output,
        }

    def _item(self, status: str, content: list[Any]) -> dict[str, Any]:
        return {
            "id": self.item_id,
            "object": "realtime.item",
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": content,
        }


_PART = {"type": "audio", "text": ""}
