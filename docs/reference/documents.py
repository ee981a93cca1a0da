"""The page of the documents that ``--json`` prints: their keys, which stay."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docs.reference.attributes import Attribute, attributes_of
from docs.reference.markdown import code, docstring, first_sentence, table
from voicereg import registry
from voicereg.doctor.findings import FINDING_KEYS, Finding
from voicereg.domain.accounts import ACCOUNT_KEYS, Account
from voicereg.domain.aliases import ALIAS_KEYS, Alias
from voicereg.domain.concerns import Concern, ConcernKind
from voicereg.domain.events import EVENT_KEYS, Event
from voicereg.domain.exchange import EXCHANGE_KEYS, VoicesImported
from voicereg.domain.messages import ITEM_KEYS, Item, Message
from voicereg.domain.quotas import QUOTA_KEYS, Quota
from voicereg.domain.rounds import ROUND_KEYS, Delivery, Round, RoundRecord, StepResult, StepState
from voicereg.domain.syncs import SYNC_KEYS, ChangeKind, Sync, SyncChange
from voicereg.domain.uses import UsesImported
from voicereg.domain.voices import VOICE_KEYS, Voice
from voicereg.scheduler.status import STATUS_KEYS, Status

_TOP = """# JSON documents

A command about one thing prints one object, one about many an array; `--format jsonl` prints an
object a line, and `--format csv` the same keys as columns. Keys stay; new ones may be added. Times
are UTC in RFC 3339, such as `2026-11-23T09:00:00Z`; `null` stands for what is not known, or does
not apply.

In CSV, what is nested is written as JSON, and a cell that a spreadsheet would run as a formula gets
an apostrophe before it.

"""

PRINTED = {
    "`create`, `recreate`, `resolve`": "a voice",
    "`show`": "a voice, with `replaced_by` and `daily_uses` (`day`, `source`, `uses`)",
    "`edit`, `delete` and `use` of one voice; of many": "a voice; an array of voices",
    "`list`, `expiring`, `choose` without a voice": "an array of voices",
    "`quota`": "an array of quotas",
    "`sync`; with `--all-accounts`": "a sync; an array of syncs",
    "`housekeeping run`": "a round; `ok` is null while another is at work, and `held_by` says who",
    "`housekeeping status`": "a status",
    "`alias list`; `set`, `remove`": "an array of aliases; an alias",
    "`account list`; `show`, `add`, `edit`, `remove`": "an array of accounts; an account",
    "`events`": "an array of events",
    "`doctor`": "an array of findings",
    "`export`": "rows, one a line: see [below](#a-row-of-an-export)",
}
"""What commands print that print one of the kinds below."""

OWN_KEYS = {
    "create --dry-run": ("dry_run", "request", "quota"),
    "apply": (
        "account",
        "counts",
        "unchanged",
        "slots",
        "cost_cny",
        "steps",
        "problems",
        "results",
    ),
    "choose VOICE": ("chosen", "others"),
    "report": (
        "file",
        "bytes",
        "made_at",
        "accounts",
        "voices",
        "rows",
        "previews",
        "warnings",
    ),
    "preview": (
        "id",
        "voice_id",
        "file",
        "response_format",
        "sample_rate",
        "bytes",
        "kept_at",
    ),
    "synthesize": (
        "id",
        "voice_id",
        "target_model",
        "request_id",
        "first_audio_after_ms",
        "size_bytes",
        "format",
        "sample_rate",
        "file",
    ),
    "use --from": tuple(UsesImported().as_dict()),
    "import": tuple(VoicesImported().as_dict()),
    "db upgrade": ("database", "from", "to", "backup"),
    "db current": ("database", "current", "needed"),
    "db check": ("database", "ok", "problems"),
    "db backup": ("database", "backup"),
    "db copy": ("from", "to", "rows", "written", "removed", "resumed"),
    "metrics": (
        "read_at",
        "version",
        "schema_revision",
        "quotas",
        "voices",
        "rounds",
        "steps",
        "leader",
        "messages",
        "keep_alives",
    ),
    "metrics -o": ("file", "bytes"),
}
"""The keys of commands that print something of their own."""

ACTIONS = {
    "account.add": "an account was added",
    "account.edit": "an account, or the limits of its quota group, was changed",
    "account.remove": "an account was removed",
    "alias.remove": "a name stands for nothing any more",
    "alias.set": "a name stands for a voice, or for another one",
    "quota.refused": "the provider refused a create for a full quota",
    "sync": "the registry was compared with the provider",
    "voice.adopt": "an unresolved create turned out to have made this voice",
    "voice.choose": "it was chosen among several made for a key",
    "voice.confirm": "the provider made the voice",
    "voice.create": "the voice was recorded and its slot held, before the provider was asked",
    "voice.delete": "the provider deleted the voice",
    "voice.delete.ask": "a delete is about to be sent",
    "voice.delete.refused": "the provider refused the delete; the voice is as it was",
    "voice.edit": "tags, owner, note, pin or key were changed",
    "voice.fail": "the provider refused the create, and the slot is free",
    "voice.gone": "the voice is expired or lost; or deleted, as had been asked",
    "voice.give-up-id": "a record lost its provider's id, to which another has a better claim",
    "voice.import": "a sync found a voice that was on no record",
    "voice.import-row": "a row of a file was put on record",
    "voice.lapse": "a create whose process was not heard of any more became unresolved",
    "voice.merge": "two records of one voice became one",
    "voice.missing": "the voice was not to be found at the provider",
    "voice.preview": "a preview was spoken and kept",
    "voice.refresh": "what the provider says of the voice was noted",
    "voice.release": "a create came to nothing, and the slot is free",
    "voice.review": "the provider's review came to its end",
    "voice.unresolved": "the create's outcome is unknown",
    "voice.use.correct": "the last use was corrected by hand",
}
"""What the audit log calls what was done."""


@dataclass(frozen=True, slots=True)
class Document:
    """One kind of document."""

    title: str
    keys: Sequence[str]
    sources: Sequence[type]
    """What has the attributes that the keys are called after; the first wins."""
    also: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Type and meaning of keys that none of those tells."""


_CHANGES = {
    kind.value: ("number", attributes_of(ChangeKind)[kind.name].docstring)
    for kind in ChangeKind
    if kind is not ChangeKind.LAPSED
}
_HOLDER = "null: nobody."
_DAYS_LEFT = {
    "days_left": (
        "number or null",
        "Whole days until the provider may delete it; 0: any day; null: it is gone.",
    )
}

DOCUMENTS = (
    Document("A voice", VOICE_KEYS, (Voice,), _DAYS_LEFT),
    Document("A quota", QUOTA_KEYS, (Quota,)),
    Document("A sync", SYNC_KEYS, (Sync,), _CHANGES),
    Document(
        "A change of a sync",
        ("kind", "family", "id", "voice_id", "from", "to", "why"),
        (SyncChange,),
        {
            "from": ("state or null", "The state before; null: it was on no record."),
            "to": ("state", "The state after."),
        },
    ),
    Document("A round of housekeeping", ROUND_KEYS, (Round,)),
    Document("A step of a round", ("name", "account", "ok", "error", "counts"), (StepResult,)),
    Document(
        "A message of a round",
        ("channel", "delivered", "error", "maybe_repeat", "items"),
        (Delivery, Message),
    ),
    Document(
        "An item of a message",
        ITEM_KEYS,
        (Item, Concern),
        {
            "kind": (
                "text",
                "What it is about: " + ", ".join(f"``{kind}``" for kind in ConcernKind) + ".",
            ),
            "account": ("text", "The account concerned."),
            "mark": ("number or null", "The mark that was reached, in days; for warnings only."),
            "days_left": (
                "number or null",
                "Whole days until harm is done; null: not a matter of time.",
            ),
            "quota": ("quota or null", "The quota, where it is about one."),
            "model": ("text or null", "The target model, where one is being withdrawn."),
            "voice": ("object or null", "The voice in short, where it is about one."),
            "voices": ("array of texts", "The registry ids of all voices concerned."),
        },
    ),
    Document(
        "The status of housekeeping",
        STATUS_KEYS,
        (Status,),
        {
            "age_seconds": ("number or null", "How long ago the last good round ended."),
            "under_way": (
                "object or null",
                "Who runs a round now (``holder``, ``since``); " + _HOLDER,
            ),
            "leader": (
                "object or null",
                "Whose scheduler leads (``holder``, ``since``); " + _HOLDER,
            ),
        },
    ),
    Document(
        "A round in a status",
        ("id", "holder", "due_at", "missed", "started_at", "finished_at", "ok"),
        (RoundRecord,),
    ),
    Document(
        "A step in a status", ("name", "account", "tried_at", "good_at", "error"), (StepState,)
    ),
    Document("An alias", ALIAS_KEYS, (Alias,)),
    Document("An account", ACCOUNT_KEYS, (Account,)),
    Document("An event", EVENT_KEYS, (Event,)),
    Document("A finding of doctor", FINDING_KEYS, (Finding,)),
    Document(
        "A row of an export",
        EXCHANGE_KEYS,
        (Voice,),
    ),
)
"""Every kind, in the order of the page."""


def page() -> str:
    """The page."""
    own = [(code(command), ", ".join(map(code, keys))) for command, keys in OWN_KEYS.items()]
    parts = [_TOP, table(("command", "prints"), [*PRINTED.items(), *own]), "\n"]
    for document in DOCUMENTS:
        parts += [f"## {document.title}\n\n", _table(document), "\n"]
    assert actions_of_the_program() == set(ACTIONS)
    rows = [(code(action), meaning) for action, meaning in ACTIONS.items()]
    parts += ["## Actions of events\n\n", table(("action", "what was done"), rows)]
    return "".join(parts).rstrip("\n") + "\n"


def actions_of_the_program() -> set[str]:
    """Every action that the registry logs, as its source has them."""
    found: set[str] = set()
    for source in Path(inspect.getfile(registry)).parent.glob("*.py"):
        text = source.read_text(encoding="utf-8")
        found.update(re.findall(r'"((?:account|alias|quota|voice)(?:\.[a-z-]+)+)"', text))
        found.update(re.findall(r'\.log\(\s*"([^"]+)"', text))
    return found


def _table(document: Document) -> str:
    known: dict[str, Attribute] = {}
    for source in reversed(document.sources):
        known |= attributes_of(source)
    rows = []
    for key in document.keys:
        if key in document.also:
            kind, said = document.also[key]
        else:
            assert key in known, f"nothing says what {key} of {document.title} is"
            kind = _type(known[key].annotation)
            said = known[key].docstring
            assert said, f"nothing says what {key} of {document.title} means"
        rows.append((code(key), kind, docstring(first_sentence(said), none="null")))
    return table(("key", "type", "meaning"), rows)


_PLAIN = {
    "str": "text",
    "int": "number",
    "bool": "true or false",
    "datetime": "time",
    "Path": "text",
    "timedelta": "text",
}


def _type(annotation: str) -> str:
    """What a type of Python's is in JSON."""
    parts = [part.strip() for part in annotation.split("|")]
    shown = ["null" if part == "None" else _one_type(part) for part in parts]
    return " or ".join(shown)


def _one_type(name: str) -> str:
    if name in _PLAIN:
        return _PLAIN[name]
    if name.startswith("Mapping"):
        return "object"
    if inner := re.fullmatch(r"(?:Sequence|tuple)\[(\w+)(?:, \.\.\.)?\]", name):
        return f"array of {_plural(_one_type(inner[1]))}"
    return {
        "State": "[state](../data-model.md#states)",
        "Family": "`cosyvoice` or `qwen-tts`",
        "Origin": "`designed` or `cloned`",
        "DeadlineBasis": "`used`, `created` or `estimated`",
        "QuotaLevel": "`ok`, `warning`, `critical` or `full`",
        "Outcome": "`ok`, `warning`, `wrong` or `skipped`",
        "News": "`warning` or `all_clear`",
        "ChangeKind": "a kind of change",
        "SyncChange": "change",
        "StepResult": "step",
        "StepState": "step",
        "RoundRecord": "round",
        "Delivery": "message",
        "Item": "item",
    }[name]


def _plural(word: str) -> str:
    return word if word.endswith("`") else word + "s"
