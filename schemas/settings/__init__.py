"""Every setting of Legwork: declared once, read at once, and every mistake told at once."""

from __future__ import annotations

from schemas.settings.load import SettingsError, load_settings
from schemas.settings.model import Settings
from schemas.settings.specs import Account, SinkSpec

__all__ = ["Account", "Settings", "SettingsError", "SinkSpec", "load_settings"]
