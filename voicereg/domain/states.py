"""The states of a voice, which of them hold a slot, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What the registry knows of a voice's life."""

    CREATING = "creating"
    """Recorded; the create call is under way."""
    UNRESOLVED = "unresolved"
    """The create's outcome is unknown."""
    PENDING = "pending"
    """Made; the provider is still reviewing it (``DEPLOYING``)."""
    ACTIVE = "active"
    """Usable."""
    REJECTED = "rejected"
    """The provider's review refused it (``UNDEPLOYED``); only a delete frees the slot."""
    DELETING = "deleting"
    """A delete was asked, and its answer is not known."""
    MISSING = "missing"
    """Gone from one complete listing, to be confirmed by another."""
    FAILED = "failed"
    """The provider refused the create, or it has been shown that it never came about."""
    DELETED = "deleted"
    """Deleted through the registry."""
    EXPIRED = "expired"
    """Gone at or after its deadline."""
    LOST = "lost"
    """Gone before its deadline, by another hand."""

    @property
    def holds_slot(self) -> bool:
        """Whether a voice in this state takes one of its family's slots."""
        return self not in GONE

    @property
    def is_gone(self) -> bool:
        """Whether the voice does not exist (any more) at the provider."""
        return self in GONE


GONE = frozenset({State.FAILED, State.DELETED, State.EXPIRED, State.LOST})
HOLDING = tuple(state for state in State if state not in GONE)
WITHOUT_VOICE_ID = frozenset({State.CREATING, State.UNRESOLVED, State.FAILED})
"""The only states in which a voice may have no id at the provider."""

_MADE = frozenset({State.PENDING, State.ACTIVE, State.REJECTED})
_ASKED = frozenset({State.DELETING, State.DELETED})

FOLLOWS: dict[State, frozenset[State]] = {
    State.CREATING: _MADE | {State.UNRESOLVED, State.FAILED},
    # A confirm that comes late always wins, even over a create that was given up.
    State.UNRESOLVED: _MADE | {State.FAILED},
    State.FAILED: _MADE,
    State.PENDING: _MADE | _ASKED | {State.MISSING},
    State.ACTIVE: _MADE | _ASKED | {State.MISSING},
    State.REJECTED: _MADE | _ASKED | {State.MISSING},
    # Only what was missing from one listing, and is from another, is given up.
    State.MISSING: _MADE | _ASKED | {State.EXPIRED, State.LOST},
    # A delete that was refused, or whose voice is still listed, goes back to where it was.
    State.DELETING: _MADE | {State.DELETED, State.MISSING},
    # Listed again: the provider has the last word.
    State.DELETED: _MADE,
    State.EXPIRED: _MADE,
    State.LOST: _MADE,
}
"""From each state, the other states that may follow it."""
