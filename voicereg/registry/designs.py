"""Designing a voice: slot, call, confirmation, review."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from voicereg.domain.designs import (
    DesignOptions,
    DesignRequest,
    DesignStage,
    checked_design,
    marked,
)
from voicereg.domain.errors import (
    ConfirmNotRecorded,
    CreateUnresolved,
    DatabaseProblem,
    ProviderProblem,
    ReviewRefused,
    StateConflict,
)
from voicereg.domain.provider_errors import (
    NotConnected,
    ProviderRefused,
    VoiceGone,
    VoiceQuotaFull,
)
from voicereg.domain.quotas import Quota
from voicereg.domain.remote import CreatedVoice
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.registry.changes import locked
from voicereg.registry.context import Context
from voicereg.registry.creates import Creates
from voicereg.registry.quotas import Quotas
from voicereg.registry.repeating import idempotent

if TYPE_CHECKING:
    from voicereg.provider.client import ProviderClient

_logger = logging.getLogger(__name__)

OnStage = Callable[[DesignStage, Voice], None]

_FIRST_LOOK = timedelta(seconds=1)
_LONGEST_BETWEEN_LOOKS = timedelta(seconds=5)


class Designs:
    """Designs voices at the provider."""

    def __init__(self, context: Context, quotas: Quotas, creates: Creates) -> None:
        self._context = context
        self._quotas = quotas
        self._creates = creates

    def design(
        self,
        asked: DesignOptions,
        *,
        account: str | None,
        wait: timedelta,
        on_stage: OnStage | None = None,
    ) -> Voice:
        """Design a voice, from the slot to the provider's review.

        Args:
            asked: what to make, as a user gave it.
            account: its name; None: the selected one.
            wait: how long to wait for the review; zero: not at all.
            on_stage: told of each stage as it is reached.

        Raises:
            InvalidInput: a value that breaks a rule.
            QuotaExceeded: here, or by the provider's word.
            ProviderRefused: nothing was made; the slot is free again.
            NotConnected: nothing was sent; the slot is free again.
            CreateUnresolved: nobody knows what was made; the slot stays held.
            ReviewRefused: it was made, and refused by the review.
        """
        tell = on_stage or (lambda stage, voice: None)
        selected = self._context.selected(account)
        request, _ = checked_design(selected.region, **asked)
        # Before a slot is taken: no key or a wrong URL must change nothing.
        client = self._context.clients.of(selected)
        found, voice = self._creates.begin(asked, account=account)
        try:
            tell(DesignStage.RECORDED, voice)
        except BaseException as interruption:
            self._creates.fail(voice.id, f"called off before it was sent ({_name(interruption)})")
            raise
        try:
            # The name is the record's: it may have been marked.
            created = client.create(replace(request, name=voice.name))
        except VoiceQuotaFull as refusal:
            self._fail(voice, refusal)
            raise self._quotas.refused_by_provider(
                found, request.family, refusal.request_id
            ) from refusal
        except (ProviderRefused, NotConnected) as refusal:
            self._fail(voice, refusal)
            raise
        except ProviderProblem as problem:
            request_id = getattr(problem, "request_id", None)
            voice = self._leave_unresolved(voice, str(problem), request_id)
            if voice.voice_id is None:
                raise CreateUnresolved(voice, str(problem)) from problem
            return voice  # found at the provider by somebody else meanwhile
        except BaseException as interruption:
            # Ctrl-C, or a failure of our own: the request may be with the provider.
            self._leave_unresolved(voice, f"interrupted ({_name(interruption)})")
            raise
        if created.preview_problem is not None:
            _logger.warning("voice %s: %s", created.voice_id, created.preview_problem)
        confirmed = self._confirm(voice, created)
        tell(DesignStage.MADE, confirmed)
        if confirmed.state is not State.PENDING or wait <= timedelta(0):
            return confirmed
        reviewed = self._await_review(client, confirmed, wait)
        tell(DesignStage.REVIEWED, reviewed)
        if reviewed.state is State.REJECTED:
            raise ReviewRefused(reviewed)
        return reviewed

    @idempotent
    def check(self, asked: DesignOptions, *, account: str | None) -> tuple[DesignRequest, Quota]:
        """What :meth:`design` would ask for, and the quota it would draw on.

        Raises:
            InvalidInput: a value that breaks a rule.
            QuotaExceeded: no slot remains.
        """
        request, _ = checked_design(self._context.selected(account).region, **asked)
        if self._context.settings.create.mark_names:
            request = marked(request, self._context.rng, unchecked=asked.get("unchecked", False))
        return request, self._quotas.require(request.family, 1, account)

    def refresh(self, voice: Voice) -> Voice:
        """Ask the provider how the review of a pending voice stands, and note it.

        Raises:
            ProviderProblem: it could not be asked.
        """
        if voice.state is not State.PENDING:
            return voice
        client = self._context.clients.of(self._context.selected(voice.account))
        return self._look(client, voice)

    def _fail(self, voice: Voice, refusal: ProviderProblem) -> None:
        """Note a refusal. Where even that fails, the refusal is told all the same."""
        request_id = getattr(refusal, "request_id", None)
        try:
            self._context.patiently(lambda: self._creates.fail(voice.id, str(refusal), request_id))
        except DatabaseProblem as problem:
            _logger.warning("voice %s keeps its slot until a sync: %s", voice.id, problem)

    def _leave_unresolved(self, voice: Voice, cause: str, request_id: str | None = None) -> Voice:
        """Note that nobody knows; where even that fails, the lease on the voice says it later."""
        try:
            return self._context.patiently(
                lambda: self._creates.leave_unresolved(voice.id, cause, request_id)
            )
        except StateConflict as conflict:
            return conflict.voice
        except DatabaseProblem as problem:
            _logger.warning("voice %s could not be noted as unresolved: %s", voice.id, problem)
            return voice

    def _confirm(self, voice: Voice, created: CreatedVoice) -> Voice:
        """Note the id of a voice that exists: the one thing that must not be lost now."""
        try:
            return self._context.patiently(
                lambda: self._creates.confirm(
                    voice.id,
                    created.voice_id,
                    target_model=created.target_model,
                    preview=created.preview,
                    request_id=created.request_id,
                )
            )
        except BaseException as problem:
            # Ctrl-C as well: the id and the only recording must not go with it.
            cause = str(problem) or f"interrupted ({_name(problem)})"
            raise ConfirmNotRecorded(voice, created.voice_id, cause, created.preview) from problem

    def _await_review(self, client: ProviderClient, voice: Voice, wait: timedelta) -> Voice:
        """Look until the review has ended or the time is up; a failed look ends the waiting."""
        give_up_at = self._context.clock.monotonic() + wait
        pause = _FIRST_LOOK
        while True:
            try:
                voice = self._look(client, voice)
            except VoiceGone:
                # A voice this new may not have reached the place where queries are answered.
                pass
            except (ProviderProblem, DatabaseProblem) as problem:
                _logger.warning(
                    "voice %s is made; its review was not learnt: %s", voice.id, problem
                )
                return voice
            left = give_up_at - self._context.clock.monotonic()
            if voice.state is not State.PENDING or left <= timedelta(0):
                return voice
            self._context.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_BETWEEN_LOOKS)

    def _look(self, client: ProviderClient, voice: Voice) -> Voice:
        if voice.state is not State.PENDING or voice.voice_id is None:
            return voice
        status = client.query(voice.family, voice.voice_id, voice.origin).status
        if status is None or status.state is State.PENDING:
            return voice
        return self._note_review(voice, status.state)

    @idempotent
    def _note_review(self, voice: Voice, state: State) -> Voice:
        with self._context.database.write() as connection:
            changes, found = locked(self._context, connection, voice.id)
            if found.state is not State.PENDING:
                return found
            return changes.apply(found, "voice.review", {"state": state})


def _name(error: BaseException) -> str:
    return type(error).__name__
