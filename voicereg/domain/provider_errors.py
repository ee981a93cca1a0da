"""What the provider says when it does not do as asked, and what can happen on the way to it.

The tree, below :class:`~voicereg.domain.errors.ProviderProblem`::

    ProviderProblem
    ├── NotConnected           no connection could be made: the request certainly never left
    ├── ConnectionLost         timed out or broke after that: it may have been carried out
    ├── AnswerUnreadable       an answer that is not JSON, is cut, or lacks what it must have
    └── ProviderAnswered       an error code came back
        ├── ProviderFault      5xx, or a code that is not documented
        └── ProviderRefused    a documented refusal: certainly not carried out
            ├── InvalidKey, AccessDenied, Arrearage, ParameterRefused, ContentRefused
            ├── RateLimited, VoiceQuotaFull
            └── VoiceGone, VoiceModelMismatch, ModelUnknown

The codes are those of the provider's error-code page (November 2026).
"""

from __future__ import annotations

from datetime import timedelta

from voicereg.domain.errors import ProviderProblem


class NotConnected(ProviderProblem):
    """No connection could be made; nothing was sent."""

    def __init__(self, host: str, cause: str) -> None:
        super().__init__(f"{host} could not be reached ({cause}); nothing was sent")
        self.host = host
        self.cause = cause
        self.advice = "check the network, the region and the base URL of the account"


class ConnectionLost(ProviderProblem):
    """The connection timed out or broke; the request may have been carried out."""

    def __init__(self, host: str, cause: str) -> None:
        super().__init__(f"the connection to {host} was lost before an answer came ({cause})")
        self.host = host
        self.cause = cause


class AnswerUnreadable(ProviderProblem):
    """An answer came that cannot be understood; the request may have been carried out."""

    def __init__(self, why: str, *, status: int, request_id: str | None = None) -> None:
        super().__init__(f"the provider's answer (HTTP {status}) could not be understood: {why}")
        self.why = why
        self.status = status
        self.request_id = request_id


class ProviderAnswered(ProviderProblem):
    """The provider answered with an error code."""

    meaning = "the provider answered with an error"
    how_to_mend: str | None = None

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        request_id: str | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        said = f": {message}" if message else ""
        http = f", HTTP {status}" if status else ""  # an event of a WebSocket has none
        request = f", request {request_id}" if request_id else ""
        super().__init__(f"{self.meaning} ({code}{http}{request}){said}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        """How long the provider asks to wait before another try, where it says so."""
        self.advice = self.how_to_mend


class ProviderFault(ProviderAnswered):
    """A failure on the provider's side, or a code it does not document: the outcome is unknown."""

    meaning = "the provider failed"


class ProviderRefused(ProviderAnswered):
    """A documented refusal: what was asked was certainly not carried out."""

    meaning = "the provider refused"


class InvalidKey(ProviderRefused):
    """``InvalidApiKey``: a wrong key, or the other region's."""

    meaning = "the provider does not accept the API key"
    how_to_mend = "keys differ by region: check the key and the region of the account"


class AccessDenied(ProviderRefused):
    """``AccessDenied`` and its kin: the account may not do this."""

    meaning = "the provider denies access"
    how_to_mend = "the account must be allowed to use this model, in the provider's console"


class Arrearage(ProviderRefused):
    """``Arrearage``: the account owes money."""

    meaning = "the provider's account is in arrears"
    how_to_mend = "settle the bill in the provider's console"


class ParameterRefused(ProviderRefused):
    """``InvalidParameter``: a value that the provider does not take."""

    meaning = "the provider does not take a value"


class ContentRefused(ProviderRefused):
    """``DataInspectionFailed``: the content review refused the prompt or text; not billed."""

    meaning = "the provider's content review refused the text"
    how_to_mend = "change the prompt or the preview text"


class RateLimited(ProviderRefused):
    """``Throttling`` and its kin: too many requests in too short a time."""

    meaning = "the provider was asked too often"
    how_to_mend = "wait a little, and try again"


class VoiceQuotaFull(ProviderRefused):
    """``Throttling.AllocationQuota`` on a create: the family's quota of voices is full.

    Despite its name it is no rate limit: trying again cannot help.
    """

    meaning = "the provider's quota of voices is full"
    how_to_mend = "delete a voice to make room"


class VoiceGone(ProviderRefused):
    """The voice does not exist at the provider; for a delete, that is success."""

    meaning = "the provider knows no such voice"


class VoiceModelMismatch(ProviderRefused):
    """``BadRequest.VoiceModelMismatch``: a voice is bound to another target model."""

    meaning = "the voice is bound to another target model"


class ModelUnknown(ProviderRefused):
    """``Model.NotExist`` or ``ModelNotFound``."""

    meaning = "the provider knows no such model"
