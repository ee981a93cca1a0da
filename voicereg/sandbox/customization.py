"""The voice-management endpoint: one path, told apart by ``model`` and ``input.action``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voicereg.sandbox.errors import invalid_parameter, model_not_exist
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.replies import Answer

#: Where voices are managed, below the base path, as documented for both families.
PATH = "/services/audio/tts/customization"

#: Handles one action: takes ``input`` and ``parameters``, returns ``output``.
Action = Callable[[Fields, Fields], dict[str, Any]]


class Customization:
    """Finds the handler of a request and puts its answer into the documented envelope.

    Args:
        actions: the handlers of each management model, by model and by action.
        request_id: returns a new request id.
    """

    def __init__(
        self, actions: Mapping[str, Mapping[str, Action]], request_id: Callable[[], str]
    ) -> None:
        self._actions = actions
        self._request_id = request_id

    def __call__(self, body: Any, headers: Mapping[str, str]) -> Answer:
        """Carry out a request.

        Args:
            body: the parsed JSON body.
            headers: those of the request, none of which matters.

        Raises:
            ApiError: the request is refused.
        """
        if not isinstance(body, dict):
            raise invalid_parameter("The body must be a JSON object.")
        request = Fields(body, "")
        model = request.text("model")
        if model not in self._actions:
            raise model_not_exist(model)
        if not isinstance(body.get("input"), dict):
            raise invalid_parameter("input must be an object.")
        fields = request.object("input")
        parameters = request.object("parameters")
        name = fields.text("action")
        action = self._actions[model].get(name)
        if action is None:
            raise invalid_parameter(f"input.action {name!r} is not an action of {model}.")
        output = action(fields, parameters)
        return Answer(
            200, {"output": output, "usage": {"count": 1}, "request_id": self._request_id()}
        )
