"""The provider's voice management, over HTTP. Knows the wire; knows no database."""

from __future__ import annotations

from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint, endpoint

__all__ = ["Endpoint", "ProviderClient", "endpoint"]
