"""Manifests compared with what is on record. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sqlalchemy as sa

from voicereg.domain.accounts import Account
from voicereg.domain.designs import checked_design, marked
from voicereg.domain.errors import InvalidInput
from voicereg.domain.manifests import Entry, Manifest, ManifestProblem
from voicereg.domain.planning import make_plan
from voicereg.domain.plans import ApplyPlan
from voicereg.domain.quotas import Quota
from voicereg.domain.voices import Voice
from voicereg.registry.context import Context
from voicereg.registry.quotas import Quotas
from voicereg.registry.repeating import idempotent
from voicereg.registry.texts import is_storable
from voicereg.store import aliases, voice_queries, voices


class Manifests:
    """Tells what has to be done so that what a manifest declares is there."""

    def __init__(self, context: Context, quotas: Quotas) -> None:
        self._context = context
        self._quotas = quotas

    @idempotent
    def plan(
        self,
        manifest: Manifest,
        *,
        account: str | None = None,
        recreate: bool = False,
        prune: bool = False,
        unchecked: bool = False,
    ) -> ApplyPlan:
        """What has to be done; where the plan has problems, none of it can be.

        Args:
            manifest: what is declared.
            account: whose voices they are, where the manifest does not say; None: the selected one.
            recreate: make voices anew that are made from something else.
            prune: delete what is not declared, and what another stands in for.
            unchecked: leave to the provider the rules that it may have changed.

        Raises:
            AccountNotFound: no such account.
        """
        with self._context.database.read() as connection:
            owner = self._context.account(connection, manifest.account or account)
            plan = make_plan(
                manifest,
                owner.name,
                voice_queries.with_keys(connection, [owner.id]),
                dict(self._named(connection, owner, manifest)),
                dict(self._holders(connection, owner, manifest)),
                recreate=recreate,
                prune=prune,
            )
        broken = [
            problem
            for entry in manifest.entries
            for problem in self._broken_rules(entry, owner, unchecked=unchecked)
        ]
        problems = [*manifest.problems, *broken, *plan.problems]
        problems.sort(key=lambda problem: (problem.line is not None, problem.line or 0))
        return replace(plan, problems=tuple(problems))

    def room_for(self, plan: ApplyPlan) -> list[Quota]:
        """The quotas that a plan draws on. Holds none of their slots.

        Raises:
            QuotaExceeded: one of them cannot hold all that is to be made.
        """
        return [
            self._quotas.require(family, needed, plan.account)
            for family, needed in sorted(plan.slots.items())
        ]

    def _named(
        self, connection: sa.Connection, owner: Account, manifest: Manifest
    ) -> Iterator[tuple[str, Voice]]:
        """The voices that entries name by an id."""
        for entry in manifest.entries:
            if entry.voice_id is not None and is_storable(entry.voice_id):
                found = voice_queries.by_exact_id(connection, [owner.id], entry.voice_id)
                if len(found) == 1:
                    yield entry.voice_id, found[0]

    def _holders(
        self, connection: sa.Connection, owner: Account, manifest: Manifest
    ) -> Iterator[tuple[str, Voice]]:
        """What the aliases that entries want stand for now."""
        wanted = {entry.alias for entry in manifest.entries if entry.alias is not None}
        for alias in aliases.select(connection, [owner.id]) if wanted else ():
            if alias.name in wanted:
                yield alias.name, voices.one(connection, alias.voice)

    def _broken_rules(
        self, entry: Entry, owner: Account, *, unchecked: bool
    ) -> Iterator[ManifestProblem]:
        if entry.lacks:
            return  # it names a voice that is there
        try:
            asked = entry.asked(replaces=None, unchecked=unchecked)
            request, _ = checked_design(owner.region, **asked)
            if self._context.settings.create.mark_names:
                marked(request, self._context.rng, unchecked=unchecked)
        except InvalidInput as refused:
            for problem in refused.problems:
                why = str(problem)
                if problem.where == "name" and "name" not in entry.design:
                    why += "; it is the key, so give it a name of its own"
                yield ManifestProblem(entry.line, entry.key, why)
