"""The refusals the sandbox can answer with.

Status and code of each are those of the error table in the provider's public
documentation. The code for a voice that is gone differs by family and by action, so each
has a constructor of its own instead of one with a switch in it.
"""

from __future__ import annotations


class ApiError(Exception):
    """A request that the provider would refuse.

    Args:
        status: the HTTP status of the answer.
        code: the provider's error code, such as ``InvalidParameter``.
        message: what was wrong, for a person to read.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid_parameter(message: str, status: int = 400) -> ApiError:
    """Return the refusal of a request that breaks a documented rule."""
    return ApiError(status, "InvalidParameter", message)


def invalid_api_key() -> ApiError:
    """Return the refusal of a missing or unknown key. It repeats nothing of the key."""
    return ApiError(401, "InvalidApiKey", "Invalid API-key provided.")


def model_not_exist(model: str) -> ApiError:
    """Return the refusal of a model that the provider does not have."""
    return ApiError(404, "Model.NotExist", f"Model not exist: {model!r}.")


def data_inspection_failed() -> ApiError:
    """Return the refusal of a prompt or text by content review."""
    return ApiError(
        400, "DataInspectionFailed", "Input text data may contain inappropriate content."
    )


def voice_quota_full(family: str, limit: int | None = None) -> ApiError:
    """Return the refusal of a create where the family's voice quota is used up.

    The public documentation gives it a throttling code with HTTP 400, although trying
    again cannot help.
    """
    of_what = "" if limit is None else f" of {limit}"
    return ApiError(
        400,
        "Throttling.AllocationQuota",
        f"The number of {family} voices has reached the limit{of_what}.",
    )


def too_fast() -> ApiError:
    """Return the refusal of a request that comes too soon after others."""
    return ApiError(429, "Throttling.RateQuota", "Requests rate limit exceeded.")


def internal_error() -> ApiError:
    """Return what the provider answers when it fails."""
    return ApiError(500, "InternalError", "An internal error has occurred.")


def service_unavailable() -> ApiError:
    """Return what the provider answers when it is overloaded or being maintained."""
    return ApiError(503, "ServiceUnavailable", "The service is unavailable at the moment.")


def cosyvoice_voice_gone(voice_id: str) -> ApiError:
    """Return what a CosyVoice query, update or delete of an unknown voice answers."""
    return ApiError(400, "BadRequest.ResourceNotExist", f"The voice {voice_id!r} does not exist.")


def qwen_query_voice_gone(voice_id: str) -> ApiError:
    """Return what a Qwen-TTS query of an unknown voice answers."""
    return ApiError(400, "VoiceNotFound", f"Voice {voice_id!r} not found.")


def qwen_delete_voice_gone(voice_id: str) -> ApiError:
    """Return what a Qwen-TTS delete of an unknown voice answers."""
    return ApiError(400, "BadRequest.VoiceNotFound", f"Voice {voice_id!r} not found.")


def speech_voice_gone(voice_id: str) -> ApiError:
    """Return what speaking with an unknown voice answers."""
    return ApiError(400, "BadRequest.VoiceNotFound", f"Voice {voice_id!r} not found.")


def speech_model_mismatch(voice_id: str, model: str) -> ApiError:
    """Return what speaking with a voice that was made for another model answers."""
    return ApiError(
        400,
        "BadRequest.VoiceModelMismatch",
        f"The voice {voice_id!r} was not made for the model {model!r}.",
    )


def voice_not_ready(voice_id: str, status: str) -> ApiError:
    """Return what speaking with a voice that is under review, or was refused, answers.

    The public documentation gives no code for it; this is the one of its error table for a
    request that cannot be carried out as it is.
    """
    return invalid_parameter(f"The voice {voice_id!r} cannot be used: it is {status}.")


def unknown_path(path: str) -> ApiError:
    """Return the answer to a path that is not served. Its code is the sandbox's own."""
    return ApiError(404, "NotFound", f"Nothing is served at {path!r}.")


def method_not_allowed(method: str) -> ApiError:
    """Return the answer to a wrong method on a served path. Its code is the sandbox's own."""
    return ApiError(405, "MethodNotAllowed", f"The method {method!r} is not allowed here.")
