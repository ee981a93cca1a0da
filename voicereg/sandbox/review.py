"""What the provider's content review makes of a prompt.

The real review reads meaning. This one looks for two markers, so that a user can have
either outcome by writing it into a prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from voicereg.sandbox.errors import data_inspection_failed

#: ``status`` of a CosyVoice voice, as the API reference lists them.
DEPLOYING = "DEPLOYING"
OK = "OK"
UNDEPLOYED = "UNDEPLOYED"


@dataclass(frozen=True, slots=True)
class Review:
    """The sandbox's content review.

    Attributes:
        time: how long a new CosyVoice voice stays ``DEPLOYING``.
        reject_marker: a prompt with this text in it ends as ``UNDEPLOYED``.
        inspect_marker: a prompt or preview text with this in it is refused at once.
    """

    time: timedelta = timedelta(seconds=1)
    reject_marker: str = "[reject]"
    inspect_marker: str = "[inspect]"

    def inspect(self, *texts: str) -> None:
        """Refuse what may not even be tried.

        Raises:
            ApiError: ``DataInspectionFailed``.
        """
        if any(self.inspect_marker in text for text in texts):
            raise data_inspection_failed()

    def verdict(self, prompt: str | None) -> str:
        """Return the status that a CosyVoice voice has once the review is over."""
        return UNDEPLOYED if prompt is not None and self.reject_marker in prompt else OK
