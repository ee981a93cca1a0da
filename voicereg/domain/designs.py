"""What a user asks for when a voice is designed, checked against the provider's limits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Any, Required, TypedDict, Unpack

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family, Region, parse_family
from voicereg.domain.keywords import check_keywords
from voicereg.domain.rules import PROMPT_SCRIPTS, RULES, FamilyRules, family_of_model

DEFAULT_SAMPLE_RATE_HZ = 24000
DEFAULT_RESPONSE_FORMAT = "wav"


@dataclass(frozen=True, slots=True)
class DesignRequest:
    """A voice to be made from a description."""

    family: Family
    target_model: str
    prompt: str
    preview_text: str
    name: str
    language: str | None = None
    """A language code; None leaves it to the provider (``zh``)."""
    sample_rate: int = DEFAULT_SAMPLE_RATE_HZ
    """Of the preview audio, in hertz."""
    response_format: str = DEFAULT_RESPONSE_FORMAT
    """Of the preview audio."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the registry adds to a voice; the provider never sees it."""

    tags: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None
    note: str | None = None
    pinned: bool = False


class DesignStage(StrEnum):
    """How far a design has come, for those who watch."""

    RECORDED = "recorded"
    """The slot is held; the provider is being asked, which takes ten to thirty seconds."""
    MADE = "made"
    """The provider made the voice, and the registry knows its id."""
    REVIEWED = "reviewed"
    """The provider's review has ended, or was not waited for any longer."""


class DesignOptions(TypedDict, total=False):
    """What is to be made, and what the registry keeps with it."""

    target_model: Required[str]
    """The synthesis model that the voice will be bound to."""
    prompt: Required[str]
    """The description of the voice."""
    preview_text: Required[str]
    """What the preview audio says."""
    name: Required[str]
    """CosyVoice's ``prefix``, Qwen-TTS's ``preferred_name``."""
    language: str | None
    """A language code; None leaves it to the provider."""
    sample_rate: int | None
    """Of the preview audio, in hertz; None: 24000."""
    response_format: str | None
    """Of the preview audio; None: ``wav``."""
    family: Family | str | None
    """Needed only where the model's name does not tell it."""
    unchecked: bool
    """Leave to the provider the rules that it may have changed."""
    tags: Mapping[str, str] | None
    owner: str | None
    note: str | None
    pin: bool
    """Whether the voice must stay."""
    replaces: str | None
    """The registry id of a voice that this one is to stand in for."""
    again: bool
    """Though another voice stands in for it already."""
    manifest_key: str | None
    """What a manifest calls it; a key has one voice at a time."""
    candidates: int
    """How many voices for its key there are to choose from; it has none until it is chosen."""
    candidate_alias: str | None
    """The alias that it takes when it is chosen."""


def checked_design(region: str, **asked: Unpack[DesignOptions]) -> tuple[DesignRequest, Labels]:
    """What was asked for, checked.

    Args:
        region: the account's region.
        asked: as a user gave it.

    Raises:
        InvalidInput: one problem for each rule that is broken.
        TypeError: an argument that there is not, or one that is missing.
    """
    check_keywords(
        asked,
        DesignOptions.__annotations__,
        required=("target_model", "prompt", "preview_text", "name"),
    )
    labels = Labels(
        tags=dict(asked.get("tags") or {}),
        owner=asked.get("owner"),
        note=asked.get("note"),
        pinned=bool(asked.get("pin")),
    )
    problems = label_problems(labels)
    key = asked.get("manifest_key")
    if key is not None:
        problems += key_problems(key, "manifest_key")
    try:
        request = design_request(
            target_model=asked["target_model"],
            prompt=asked["prompt"],
            preview_text=asked["preview_text"],
            name=asked["name"],
            language=asked.get("language"),
            sample_rate=asked.get("sample_rate"),
            response_format=asked.get("response_format"),
            family=asked.get("family"),
            region=region,
            unchecked=asked.get("unchecked", False),
        )
    except InvalidInput as refused:
        raise InvalidInput(*refused.problems, *problems) from None
    if problems:
        raise InvalidInput(*problems)
    return request, checked_labels(labels)


def design_request(
    *,
    target_model: str,
    prompt: str,
    preview_text: str,
    name: str,
    language: str | None = None,
    sample_rate: int | None = None,
    response_format: str | None = None,
    family: Family | str | None = None,
    region: str = Region.BEIJING.value,
    unchecked: bool = False,
) -> DesignRequest:
    """Check what was asked for against the provider's documented limits.

    Args:
        target_model: the synthesis model that the voice will be bound to.
        prompt: the description of the voice.
        preview_text: what the preview audio says.
        name: CosyVoice's ``prefix``, Qwen-TTS's ``preferred_name``.
        language: a language code; None leaves it to the provider.
        sample_rate: of the preview audio, in hertz; None: 24000.
        response_format: of the preview audio; None: ``wav``.
        family: needed only where the model's name does not tell it.
        region: the account's region.
        unchecked: leave to the provider the rules that it may have changed.

    Raises:
        InvalidInput: one problem for each rule that is broken.
    """
    known = family_of_model(target_model)
    stated = parse_family(family) if family is not None else None
    if stated is None and known is None:
        raise InvalidInput(
            Problem(
                "model",
                target_model,
                "its name begins like no known family "
                "(cosyvoice-, qwen-audio-, qwen3-tts-); say which with --family",
            )
        )
    if stated is not None and known is not None and stated is not known and not unchecked:
        raise InvalidInput(
            Problem(
                "family", stated.value, f"the model {target_model[:60]} belongs to {known.value}"
            )
        )
    chosen = stated or known
    assert chosen is not None  # noqa: S101 - one of the two is there, as checked above
    request = DesignRequest(
        family=chosen,
        target_model=target_model,
        prompt=prompt,
        preview_text=preview_text,
        name=name,
        language=language,
        sample_rate=DEFAULT_SAMPLE_RATE_HZ if sample_rate is None else sample_rate,
        response_format=DEFAULT_RESPONSE_FORMAT if response_format is None else response_format,
    )
    problems = list(_unstorable(request))
    if not problems and not unchecked:
        problems = list(_broken_rules(request, RULES[chosen], region))
    if problems:
        raise InvalidInput(*problems)
    return request


MARK_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
MARK_LENGTH = 4


def marked(request: DesignRequest, rng: Random, *, unchecked: bool = False) -> DesignRequest:
    """``request`` with four characters more at the end of its name, by which a voice is recognised.

    Raises:
        InvalidInput: the name is too long for that.
    """
    longest = RULES[request.family].name_characters
    if len(request.name) + MARK_LENGTH > longest and not unchecked:
        raise InvalidInput(
            Problem(
                "name",
                request.name,
                f"with the {MARK_LENGTH} characters that the setting create.mark_names adds, it is "
                f"longer than the {longest} that {request.family.value} takes",
            )
        )
    mark = "".join(rng.choice(MARK_CHARACTERS) for _ in range(MARK_LENGTH))
    return replace(request, name=request.name + mark)


def checked_labels(labels: Labels) -> Labels:
    """``labels``, when the database can hold them and find them again.

    Raises:
        InvalidInput: one problem for each that it cannot.
    """
    problems = label_problems(labels)
    if problems:
        raise InvalidInput(*problems)
    return replace(labels, owner=labels.owner or None, note=labels.note or None)


def labels_of(said: Mapping[str, Any]) -> Labels:
    """The labels among what a file says, by their names."""
    return Labels(tags=said.get("tags") or {}, owner=said.get("owner"), note=said.get("note"))


def label_problems(labels: Labels) -> list[Problem]:
    """What keeps labels out of the database, or from being found again."""
    problems: list[Problem] = []
    for key, value in labels.tags.items():
        problems += checked_text(key, "tag", longest=100) + checked_text(value, "tag", longest=1000)
        if not key.strip() or key != key.strip():
            problems.append(Problem("tag", key, "a key is not empty and has no space around it"))
        if "=" in key:
            problems.append(Problem("tag", key, "a key has no = in it"))
    problems += checked_text(labels.owner or "", "owner", longest=200)
    problems += checked_text(labels.note or "", "note", longest=10_000)
    return problems


_LONGEST_KEY = 200
_KEY = r"[^\s/]([^/]*[^\s/])?(/[^\s/]([^/]*[^\s/])?)?"


def key_problems(key: str, where: str) -> list[Problem]:
    """What keeps ``key`` from being what a manifest calls a voice: ``KEY``, or ``SET/KEY``."""
    problems = checked_text(key, where, longest=_LONGEST_KEY)
    if problems:
        return problems
    if not key.isprintable() or not re.fullmatch(_KEY, key):
        rule = "a key has no space around it, nothing invisible, and at most the / after its set"
        return [Problem(where, key, rule)]
    return []


def checked_text(text: str, where: str, *, longest: int) -> list[Problem]:
    """What keeps ``text`` out of the database: a NUL, half a surrogate pair, or its length."""
    if not isinstance(text, str):
        return [Problem(where, str(text), "it is not a text")]
    if "\x00" in text:
        return [Problem(where, text, "it holds a NUL character")]
    if any("\ud800" <= character <= "\udfff" for character in text):
        return [Problem(where, text, "it is not valid Unicode (half of a surrogate pair)")]
    if len(text) > longest:
        return [Problem(where, text, f"it has {len(text)} characters; at most {longest} are kept")]
    return []


_LONGEST_KEPT = 10_000
"""What the database takes, even where the provider's own limits are left unchecked."""
_HIGHEST_KEPT = 2**31 - 1
"""PostgreSQL's INTEGER ends there."""


def _unstorable(request: DesignRequest) -> Iterable[Problem]:
    for where, text in (
        ("model", request.target_model),
        ("prompt", request.prompt),
        ("preview-text", request.preview_text),
        ("name", request.name),
        ("language", request.language or ""),
        ("response-format", request.response_format),
    ):
        yield from checked_text(text, where, longest=_LONGEST_KEPT)
    if not request.target_model:
        yield Problem("model", "", "it is empty")
    if not 0 < request.sample_rate <= _HIGHEST_KEPT:
        yield Problem("sample-rate", str(request.sample_rate), "it is no rate that can be kept")


def _broken_rules(request: DesignRequest, rules: FamilyRules, region: str) -> Iterable[Problem]:
    family = rules.family.value
    if re.match(rules.clone_only, request.target_model):
        yield Problem(
            "model",
            request.target_model,
            "this model takes cloned voices only; design for one of "
            + ", ".join(sorted(rules.known_models)),
        )
    if region not in rules.design_regions:
        where = " or ".join(sorted(known.value for known in rules.design_regions))
        yield Problem("region", region, f"{family} voices can be designed in {where} only")
    yield from _text_rules(
        request.prompt, "prompt", rules.prompt_characters, PROMPT_SCRIPTS, "Chinese or English"
    )
    yield from _text_rules(
        request.preview_text,
        "preview-text",
        rules.preview_characters,
        rules.preview_scripts,
        "Chinese or English"
        if rules.preview_scripts == PROMPT_SCRIPTS
        else "one of " + ", ".join(sorted(rules.languages)),
    )
    if not 1 <= len(request.name) <= rules.name_characters or not re.fullmatch(
        rules.name_pattern, request.name
    ):
        yield Problem(
            "name",
            request.name,
            f"{family} takes 1 to {rules.name_characters} {rules.name_rule}, without accents",
        )
    if request.language is not None and request.language not in rules.languages:
        yield Problem("language", request.language, _one_of(family, rules.languages))
    if request.sample_rate not in rules.sample_rates:
        yield Problem("sample-rate", str(request.sample_rate), _one_of(family, rules.sample_rates))
    if request.response_format not in rules.response_formats:
        yield Problem(
            "response-format", request.response_format, _one_of(family, rules.response_formats)
        )


def _text_rules(
    text: str, where: str, longest: int, scripts: frozenset[str], languages: str
) -> Iterable[Problem]:
    if not text.strip():
        yield Problem(where, text, "it is empty")
        return
    if len(text) > longest:
        yield Problem(where, text, f"it has {len(text)} characters; at most {longest} are allowed")
    for position, character in enumerate(text, start=1):
        if character in "\n\r\t":
            continue
        category = unicodedata.category(character)
        if category == "Cc" or (category in _LETTERS and _script_of(character) not in scripts):
            yield Problem(
                where,
                text,
                f"character {position} ({_described(character)}) is not of {languages}",
            )
            return


_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lo"})
_AFTER_LATIN = "\u0250"


def _script_of(letter: str) -> str:
    if letter < _AFTER_LATIN:
        return "LATIN"  # the ordinal and micro signs among them, whose names do not say so
    # A full-width, half-width or bold letter, or a sign such as that of the litre, is a plain
    # letter in another shape. (Some compatible forms begin with a space: look for the letter.)
    plain = next(
        (
            part
            for part in unicodedata.normalize("NFKC", letter)
            if unicodedata.category(part) in _LETTERS
        ),
        letter,
    )
    if plain < _AFTER_LATIN:
        return "LATIN"
    word = unicodedata.name(plain, "?").split(" ")[0]
    return "CJK" if word == "IDEOGRAPHIC" else word


def _described(character: str) -> str:
    shown = "" if unicodedata.category(character) == "Cc" else f"{character} "
    return f"{shown}U+{ord(character):04X}"


def _one_of(family: str, values: Iterable[str] | Iterable[int]) -> str:
    return f"{family} takes {', '.join(str(value) for value in sorted(values))}"
