"""Legwork's settings: each is declared once; all are read together, and all mistakes reported together."""

from __future__ import annotations

from schemas.settings.load import SettingsError, load_settings
from schemas.settings.model import Settings
from schemas.settings.specs import Account, SinkSpec

__all__ = ["Account", "Settings", "SettingsError", "SinkSpec", "load_settings"]
