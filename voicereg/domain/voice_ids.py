"""What can be a provider's voice id at all: the ids themselves are free-form."""

from __future__ import annotations

_LONGEST = 512


def is_voice_id(value: object) -> bool:
    """Whether ``value`` can be an id: a text of visible characters, not too long."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST
        and value.isprintable()
        and not any(character.isspace() for character in value)
    )
