"""Settings: flags over environment over file over defaults, as one frozen value.

``values`` says what can be set, ``loading`` which place wins, ``file`` what the settings file
holds; that stands on ``toml_tables`` (tables) and ``readers`` (single values). ``places`` knows
where things are kept, ``database_urls`` how a database is named.
"""

from __future__ import annotations

from voicereg.settings.database_urls import as_database_url
from voicereg.settings.loading import load
from voicereg.settings.places import APPLICATION, default_config_path, default_database_path
from voicereg.settings.values import (
    CONNECT_TRIES,
    LONGEST_ASKED_WAIT,
    LONGEST_BACKOFF,
    ChannelSettings,
    CreateSettings,
    KeepAliveSettings,
    LogFormat,
    LogSettings,
    MetricsSettings,
    PostgresqlSettings,
    PruneSettings,
    Retiring,
    ScheduleSettings,
    Settings,
    WarnSettings,
)

__all__ = [
    "APPLICATION",
    "CONNECT_TRIES",
    "LONGEST_ASKED_WAIT",
    "LONGEST_BACKOFF",
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
    "as_database_url",
    "default_config_path",
    "default_database_path",
    "load",
]
