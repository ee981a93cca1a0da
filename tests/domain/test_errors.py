"""Errors as data: what each says, and what it carries."""

from __future__ import annotations

from datetime import timedelta

import pytest

import voicereg
from voicereg import Family, State
from voicereg.domain.errors import Problem

from .making import voice

REFUSALS = [
    voicereg.InvalidKey,
    voicereg.AccessDenied,
    voicereg.Arrearage,
    voicereg.ParameterRefused,
    voicereg.ContentRefused,
    voicereg.RateLimited,
    voicereg.VoiceQuotaFull,
    voicereg.VoiceGone,
    voicereg.VoiceModelMismatch,
    voicereg.ModelUnknown,
]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", "prompt: the rule"),
        ("v", "prompt: the rule (given: v)"),
        ("v" * 60, f"prompt: the rule (given: {'v' * 60})"),
        ("v" * 61, f"prompt: the rule (given: {'v' * 57}...)"),
    ],
)
def test_a_problem_shows_the_place_the_rule_and_the_beginning_of_the_value(
    value: str, shown: str
) -> None:
    assert str(Problem("prompt", value, "the rule")) == shown


def test_invalid_input_shows_and_keeps_every_problem() -> None:
    problems = (Problem("name", "a b", "letters"), Problem("prompt", "", "it is empty"))
    error = voicereg.InvalidInput(*problems, advice="mend it")
    assert str(error) == "name: letters (given: a b); prompt: it is empty"
    assert error.problems == problems
    assert error.advice == "mend it"


def test_a_missing_key_names_the_account_and_the_variable() -> None:
    error = voicereg.KeyMissing("studio", "STUDIO_KEY")
    assert (error.account, error.variable) == ("studio", "STUDIO_KEY")
    assert "studio" in str(error)
    assert "STUDIO_KEY" in str(error)
    assert error.advice is not None
    assert "STUDIO_KEY" in error.advice


@pytest.mark.parametrize(
    ("limit", "used", "needed", "remaining", "said"),
    [
        (1000, 1000, 1, 0, "no room for a slot: 1000 of 1000 used, 0 remaining"),
        (1000, 998, 3, 2, "no room for 3 slots: 998 of 1000 used, 2 remaining"),
        (1000, 1003, 1, 0, "1003 of 1000 used, 0 remaining"),
        (0, 0, 1, 0, "0 of 0 used, 0 remaining"),
    ],
)
def test_an_exceeded_quota_carries_the_figures(
    limit: int, used: int, needed: int, remaining: int, said: str
) -> None:
    error = voicereg.QuotaExceeded(
        family=Family.QWEN_TTS, quota_group="studio", limit=limit, used=used, needed=needed
    )
    assert (error.family, error.quota_group) == (Family.QWEN_TTS, "studio")
    assert (error.limit, error.used, error.needed) == (limit, used, needed)
    assert error.remaining == remaining
    assert not error.by_provider
    assert said in str(error)
    assert "qwen-tts quota of studio" in str(error)
    assert "no slot was taken" in str(error)


def test_a_quota_that_the_provider_calls_full_says_who_said_so() -> None:
    idle = voice()
    error = voicereg.QuotaExceeded(
        family=Family.COSYVOICE,
        quota_group="studio",
        limit=1000,
        used=7,
        needed=1,
        longest_idle=[idle],
        by_provider=True,
        request_id="r-9",
    )
    assert error.by_provider
    assert error.request_id == "r-9"
    assert error.longest_idle == (idle,)
    assert "the provider says" in str(error)
    assert "7 of 1000" in str(error)


@pytest.mark.parametrize(
    ("near", "advice"),
    [((), "voicereg list --all"), (("calm",), "mean calm?"), (("calm", "calms"), "calm or calms?")],
)
def test_an_unknown_voice_suggests_what_is_near(near: tuple[str, ...], advice: str) -> None:
    error = voicereg.VoiceNotFound("clam", "studio", near)
    assert (error.reference, error.account, error.near) == ("clam", "studio", near)
    assert "'clam'" in str(error)
    assert "studio" in str(error)
    assert error.advice is not None
    assert advice in error.advice


def test_an_ambiguous_beginning_names_those_that_share_it() -> None:
    error = voicereg.AmbiguousVoice("v-", ["v-1", "v-2"])
    assert (error.reference, error.matches) == ("v-", ("v-1", "v-2"))
    assert "v-1, v-2" in str(error)


@pytest.mark.parametrize(("known", "said"), [((), "none"), (("a", "b"), "a, b")])
def test_an_unknown_account_names_those_there_are(known: tuple[str, ...], said: str) -> None:
    error = voicereg.AccountNotFound("c", known)
    assert (error.name, error.known) == ("c", known)
    assert str(error) == f"no account 'c'; there is {said}"


def test_a_rejected_account_says_why() -> None:
    error = voicereg.AccountRejected("studio", "it has voices", "remove them")
    assert (error.name, error.why, error.advice) == ("studio", "it has voices", "remove them")
    assert str(error) == "account studio: it has voices"


ABOUT_A_VOICE = [
    voicereg.NoPreview(voice(id="v-7")),
    voicereg.VoiceProtected(voice(id="v-7"), "pinned"),
    voicereg.StateConflict(voice(id="v-7"), "it cannot be"),
    voicereg.CreateUnresolved(voice(id="v-7"), "timed out"),
    voicereg.ConfirmNotRecorded(voice(id="v-7"), "made-1", "disk full"),
    voicereg.DeleteUnconfirmed(voice(id="v-7"), "timed out"),
    voicereg.ReviewRefused(voice(id="v-7")),
]


@pytest.mark.parametrize("error", ABOUT_A_VOICE, ids=lambda error: type(error).__name__)
def test_an_error_about_a_voice_carries_and_names_it(error: voicereg.VoiceregError) -> None:
    assert getattr(error, "voice") == voice(id="v-7")  # noqa: B009 - each of the classes has it
    assert "v-7" in str(error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (voicereg.CreateUnresolved(voice(), "timed out"), ["timed out", "its slot stays held"]),
        (voicereg.DeleteUnconfirmed(voice(), "timed out"), ["timed out", "keeps its slot"]),
        (
            voicereg.ConfirmNotRecorded(voice(), "made-1", "disk full"),
            ["made-1", "disk full", "keeps its slot"],
        ),
        (voicereg.ReviewRefused(voice()), ["cosyvoice-v3.5-plus-vd-calm-1a2b", "holds a slot"]),
    ],
    ids=["create", "delete", "confirm", "review"],
)
def test_an_end_that_keeps_a_slot_says_so(error: Exception, said: list[str]) -> None:
    for words in said:
        assert words in str(error)


@pytest.mark.parametrize("state", list(State))
def test_a_conflict_names_the_state(state: State) -> None:
    error = voicereg.StateConflict(voice(state=state), "it cannot be spoken with", "wait")
    assert error.state is state
    assert error.advice == "wait"
    assert f"is {state.value}: it cannot be spoken with" in str(error)


def test_the_create_of_unknown_outcome_advises_against_a_repeat() -> None:
    advice = voicereg.CreateUnresolved(voice(id="v-7"), "timed out").advice
    assert advice is not None
    assert "do not repeat" in advice
    assert "voicereg sync" in advice


@pytest.mark.parametrize(
    "error",
    [
        voicereg.DatabaseUnusable("a.db", "no disk", "get one"),
        voicereg.DatabaseBusy("a.db"),
        voicereg.SchemaMismatch("a.db", found="0003", expected="0007", why="is older"),
        voicereg.SchemaMismatch("a.db", found=None, expected="0007", why="is empty"),
    ],
    ids=["unusable", "busy", "older", "empty"],
)
def test_a_problem_of_the_database_names_it(error: voicereg.DatabaseProblem) -> None:
    assert getattr(error, "database") == "a.db"  # noqa: B009 - each of the classes has it
    assert "the database a.db" in str(error)


@pytest.mark.parametrize(("found", "said"), [("0003", "0003"), (None, "not set up")])
def test_a_schema_that_does_not_fit_names_both_revisions(found: str | None, said: str) -> None:
    error = voicereg.SchemaMismatch("a.db", found=found, expected="0007", why="is older")
    assert (error.found, error.expected) == (found, "0007")
    assert said in str(error)
    assert "0007" in str(error)


def test_not_connected_says_that_nothing_was_sent() -> None:
    error = voicereg.NotConnected("example.com", "refused")
    assert (error.host, error.cause) == ("example.com", "refused")
    assert str(error) == "example.com could not be reached (refused); nothing was sent"


def test_a_lost_connection_claims_no_such_thing() -> None:
    error = voicereg.ConnectionLost("example.com", "timed out")
    assert (error.host, error.cause) == ("example.com", "timed out")
    assert "nothing was sent" not in str(error)


def test_an_unreadable_answer_keeps_the_status_and_the_request() -> None:
    error = voicereg.AnswerUnreadable("not JSON", status=200, request_id="r-3")
    assert (error.why, error.status, error.request_id) == ("not JSON", 200, "r-3")
    assert "HTTP 200" in str(error)


@pytest.mark.parametrize("refusal", [*REFUSALS, voicereg.ProviderFault], ids=lambda c: c.__name__)
def test_an_answered_error_keeps_what_the_provider_said(
    refusal: type[voicereg.ProviderFault] | type[voicereg.ProviderRefused],
) -> None:
    error = refusal(
        "Code.Of", "words", status=429, request_id="r-4", retry_after=timedelta(seconds=3)
    )
    assert (error.code, error.message, error.status) == ("Code.Of", "words", 429)
    assert (error.request_id, error.retry_after) == ("r-4", timedelta(seconds=3))
    assert str(error).endswith("(Code.Of, HTTP 429, request r-4): words")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda c: c.__name__)
def test_a_refusal_is_certain_and_a_fault_is_not(refusal: type[voicereg.ProviderRefused]) -> None:
    assert issubclass(refusal, voicereg.ProviderRefused)
    assert not issubclass(voicereg.ProviderFault, voicereg.ProviderRefused)


@pytest.mark.parametrize(
    "unknown", [voicereg.ConnectionLost, voicereg.AnswerUnreadable, voicereg.NotConnected]
)
def test_what_happens_on_the_way_is_no_answer(unknown: type[voicereg.ProviderProblem]) -> None:
    assert issubclass(unknown, voicereg.ProviderProblem)
    assert not issubclass(unknown, voicereg.ProviderRefused | voicereg.ProviderFault)


def test_a_full_quota_at_the_provider_is_no_rate_limit() -> None:
    assert not issubclass(voicereg.VoiceQuotaFull, voicereg.RateLimited)
    assert not issubclass(voicereg.RateLimited, voicereg.VoiceQuotaFull)
