"""A catalog of designed voices, with the provider's quotas enforced before a call is made.

Everything public is exported from here::

    from voicereg import QuotaExceeded, Registry

    with Registry.open() as registry:
        registry.require_quota("qwen-tts", 3)

The names are loaded when they are first asked for, so that ``import voicereg`` and
``voicereg --version`` cost next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voicereg.version import __version__

if TYPE_CHECKING:
    from voicereg.domain.accounts import Account as Account
    from voicereg.domain.aliases import Alias as Alias
    from voicereg.domain.audio import PreviewAudio as PreviewAudio
    from voicereg.domain.clock import Clock as Clock
    from voicereg.domain.clock import SystemClock as SystemClock
    from voicereg.domain.concerns import Concern as Concern
    from voicereg.domain.concerns import ConcernKind as ConcernKind
    from voicereg.domain.concerns import Subject as Subject
    from voicereg.domain.designs import DesignOptions as DesignOptions
    from voicereg.domain.designs import DesignRequest as DesignRequest
    from voicereg.domain.designs import DesignStage as DesignStage
    from voicereg.domain.errors import AccountNotFound as AccountNotFound
    from voicereg.domain.errors import AccountRejected as AccountRejected
    from voicereg.domain.errors import AliasNotFound as AliasNotFound
    from voicereg.domain.errors import AmbiguousVoice as AmbiguousVoice
    from voicereg.domain.errors import BackupFailed as BackupFailed
    from voicereg.domain.errors import ConfirmNotRecorded as ConfirmNotRecorded
    from voicereg.domain.errors import CopyRefused as CopyRefused
    from voicereg.domain.errors import CreateUnresolved as CreateUnresolved
    from voicereg.domain.errors import DatabaseBusy as DatabaseBusy
    from voicereg.domain.errors import DatabaseLost as DatabaseLost
    from voicereg.domain.errors import DatabaseProblem as DatabaseProblem
    from voicereg.domain.errors import DatabaseUnusable as DatabaseUnusable
    from voicereg.domain.errors import DeleteUnconfirmed as DeleteUnconfirmed
    from voicereg.domain.errors import DeliveryFailed as DeliveryFailed
    from voicereg.domain.errors import ExtraMissing as ExtraMissing
    from voicereg.domain.errors import HeartbeatFailed as HeartbeatFailed
    from voicereg.domain.errors import InvalidInput as InvalidInput
    from voicereg.domain.errors import KeyMissing as KeyMissing
    from voicereg.domain.errors import KeyTaken as KeyTaken
    from voicereg.domain.errors import LeaseHeld as LeaseHeld
    from voicereg.domain.errors import LimitMissing as LimitMissing
    from voicereg.domain.errors import NoPreview as NoPreview
    from voicereg.domain.errors import Problem as Problem
    from voicereg.domain.errors import ProviderProblem as ProviderProblem
    from voicereg.domain.errors import QuotaExceeded as QuotaExceeded
    from voicereg.domain.errors import ReviewRefused as ReviewRefused
    from voicereg.domain.errors import SchemaMismatch as SchemaMismatch
    from voicereg.domain.errors import StateConflict as StateConflict
    from voicereg.domain.errors import UsesReadElsewhere as UsesReadElsewhere
    from voicereg.domain.errors import VoiceNotFound as VoiceNotFound
    from voicereg.domain.errors import VoiceProtected as VoiceProtected
    from voicereg.domain.errors import VoiceregError as VoiceregError
    from voicereg.domain.events import Event as Event
    from voicereg.domain.families import Family as Family
    from voicereg.domain.families import Region as Region
    from voicereg.domain.filters import FilterOptions as FilterOptions
    from voicereg.domain.filters import SortField as SortField
    from voicereg.domain.messages import Item as Item
    from voicereg.domain.messages import Language as Language
    from voicereg.domain.messages import Message as Message
    from voicereg.domain.messages import News as News
    from voicereg.domain.provider_errors import AccessDenied as AccessDenied
    from voicereg.domain.provider_errors import AnswerUnreadable as AnswerUnreadable
    from voicereg.domain.provider_errors import Arrearage as Arrearage
    from voicereg.domain.provider_errors import ConnectionLost as ConnectionLost
    from voicereg.domain.provider_errors import ContentRefused as ContentRefused
    from voicereg.domain.provider_errors import InvalidKey as InvalidKey
    from voicereg.domain.provider_errors import ModelUnknown as ModelUnknown
    from voicereg.domain.provider_errors import NotConnected as NotConnected
    from voicereg.domain.provider_errors import ParameterRefused as ParameterRefused
    from voicereg.domain.provider_errors import ProviderAnswered as ProviderAnswered
    from voicereg.domain.provider_errors import ProviderFault as ProviderFault
    from voicereg.domain.provider_errors import ProviderRefused as ProviderRefused
    from voicereg.domain.provider_errors import RateLimited as RateLimited
    from voicereg.domain.provider_errors import VoiceGone as VoiceGone
    from voicereg.domain.provider_errors import VoiceModelMismatch as VoiceModelMismatch
    from voicereg.domain.provider_errors import VoiceQuotaFull as VoiceQuotaFull
    from voicereg.domain.quotas import Quota as Quota
    from voicereg.domain.quotas import QuotaLevel as QuotaLevel
    from voicereg.domain.quotas import QuotaThresholds as QuotaThresholds
    from voicereg.domain.rounds import Delivery as Delivery
    from voicereg.domain.rounds import Round as Round
    from voicereg.domain.rounds import StepResult as StepResult
    from voicereg.domain.routes import TagFilter as TagFilter
    from voicereg.domain.routes import VoiceRule as VoiceRule
    from voicereg.domain.speech import Spoken as Spoken
    from voicereg.domain.states import State as State
    from voicereg.domain.syncs import ChangeKind as ChangeKind
    from voicereg.domain.syncs import Sync as Sync
    from voicereg.domain.syncs import SyncChange as SyncChange
    from voicereg.domain.syncs import SyncProgress as SyncProgress
    from voicereg.domain.syncs import SyncStage as SyncStage
    from voicereg.domain.uses import DailyUses as DailyUses
    from voicereg.domain.uses import LineProblem as LineProblem
    from voicereg.domain.uses import UsesImported as UsesImported
    from voicereg.domain.voices import DeadlineBasis as DeadlineBasis
    from voicereg.domain.voices import Origin as Origin
    from voicereg.domain.voices import Voice as Voice
    from voicereg.housekeeping.round import run_round as run_round
    from voicereg.registry import Registry as Registry
    from voicereg.registry.creates import Slot as Slot
    from voicereg.settings.values import ChannelSettings as ChannelSettings
    from voicereg.settings.values import CreateSettings as CreateSettings
    from voicereg.settings.values import KeepAliveSettings as KeepAliveSettings
    from voicereg.settings.values import LogFormat as LogFormat
    from voicereg.settings.values import LogSettings as LogSettings
    from voicereg.settings.values import MetricsSettings as MetricsSettings
    from voicereg.settings.values import PostgresqlSettings as PostgresqlSettings
    from voicereg.settings.values import PruneSettings as PruneSettings
    from voicereg.settings.values import Retiring as Retiring
    from voicereg.settings.values import ScheduleSettings as ScheduleSettings
    from voicereg.settings.values import Settings as Settings
    from voicereg.settings.values import WarnSettings as WarnSettings

_HOMES = {
    "voicereg.domain.accounts": ("Account",),
    "voicereg.domain.aliases": ("Alias",),
    "voicereg.domain.audio": ("PreviewAudio",),
    "voicereg.domain.clock": ("Clock", "SystemClock"),
    "voicereg.domain.designs": ("DesignOptions", "DesignRequest", "DesignStage"),
    "voicereg.domain.errors": (
        "Problem",
        "AccountNotFound",
        "AccountRejected",
        "AliasNotFound",
        "AmbiguousVoice",
        "BackupFailed",
        "ConfirmNotRecorded",
        "CopyRefused",
        "CreateUnresolved",
        "DatabaseBusy",
        "DatabaseLost",
        "DatabaseProblem",
        "DatabaseUnusable",
        "DeleteUnconfirmed",
        "DeliveryFailed",
        "ExtraMissing",
        "HeartbeatFailed",
        "InvalidInput",
        "KeyMissing",
        "KeyTaken",
        "LeaseHeld",
        "LimitMissing",
        "NoPreview",
        "ProviderProblem",
        "QuotaExceeded",
        "ReviewRefused",
        "SchemaMismatch",
        "StateConflict",
        "UsesReadElsewhere",
        "VoiceNotFound",
        "VoiceProtected",
        "VoiceregError",
    ),
    "voicereg.domain.events": ("Event",),
    "voicereg.domain.families": (
        "Region",
        "Family",
    ),
    "voicereg.domain.filters": (
        "FilterOptions",
        "SortField",
    ),
    "voicereg.domain.provider_errors": (
        "ProviderAnswered",
        "AccessDenied",
        "AnswerUnreadable",
        "Arrearage",
        "ConnectionLost",
        "ContentRefused",
        "InvalidKey",
        "ModelUnknown",
        "NotConnected",
        "ParameterRefused",
        "ProviderFault",
        "ProviderRefused",
        "RateLimited",
        "VoiceGone",
        "VoiceModelMismatch",
        "VoiceQuotaFull",
    ),
    "voicereg.domain.quotas": ("QuotaThresholds", "Quota", "QuotaLevel"),
    "voicereg.domain.speech": ("Spoken",),
    "voicereg.domain.states": ("State",),
    "voicereg.domain.syncs": ("ChangeKind", "Sync", "SyncChange", "SyncProgress", "SyncStage"),
    "voicereg.domain.uses": ("DailyUses", "LineProblem", "UsesImported"),
    "voicereg.domain.voices": ("DeadlineBasis", "Origin", "Voice"),
    "voicereg.registry": ("Registry",),
    "voicereg.registry.creates": ("Slot",),
    "voicereg.domain.concerns": (
        "Concern",
        "ConcernKind",
        "Subject",
    ),
    "voicereg.domain.messages": (
        "Item",
        "Language",
        "Message",
        "News",
    ),
    "voicereg.domain.rounds": (
        "Delivery",
        "Round",
        "StepResult",
    ),
    "voicereg.domain.routes": (
        "TagFilter",
        "VoiceRule",
    ),
    "voicereg.housekeeping.round": ("run_round",),
    "voicereg.settings.values": (
        "ChannelSettings",
        "CreateSettings",
        "KeepAliveSettings",
        "LogFormat",
        "LogSettings",
        "MetricsSettings",
        "PostgresqlSettings",
        "PruneSettings",
        "Retiring",
        "ScheduleSettings",
        "Settings",
        "WarnSettings",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
