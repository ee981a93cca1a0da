"""Where the program keeps what is its user's."""

from __future__ import annotations

from pathlib import Path

APPLICATION = "voicereg"


def default_database_path() -> Path:
    """The SQLite file in the user's data directory."""
    import platformdirs

    return platformdirs.user_data_path(APPLICATION, appauthor=False) / "voicereg.db"


def default_config_path() -> Path:
    """The settings file in the user's configuration directory."""
    import platformdirs

    return platformdirs.user_config_path(APPLICATION, appauthor=False) / "config.toml"
