"""What a quota check costs: asked of the registry, and of the provider's listings each time.

The provider is a stand-in on this machine, so its answers take no time on their way; the real
ones do, and are counted against a limit of requests.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.pairs import Count, Row, compare, main
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.families import Family
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint
from voicereg.sandbox import Sandbox

_HELD = 900


def measure_all(pairs: int) -> Sequence[Row]:
    """The rows on quota checks."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Sandbox.start(review_time=timedelta(0)) as sandbox,
        Registry.open(
            str(Path(directory) / "registry.db"),
            settings=Settings(base_url=sandbox.base_url),
            environment={DEFAULT_KEY_VARIABLE: sandbox.api_key},
        ) as registry,
    ):
        sandbox.fill("qwen-tts", _HELD)
        registry.sync()
        client = ProviderClient(Endpoint(sandbox.base_url, "sandbox", None), sandbox.api_key)

        def ask_registry() -> float:
            started = time.perf_counter()
            assert registry.quota("qwen-tts").used == _HELD
            return time.perf_counter() - started

        def ask_provider() -> float:
            started = time.perf_counter()
            found = client.listings(Family.QWEN_TTS)
            assert sum(len(listing.voices) for listing in found) == _HELD
            return time.perf_counter() - started

        before = len(sandbox.requests)
        ask_provider()
        requests = len(sandbox.requests) - before
        row = compare(
            f"quota check at {_HELD} voices",
            ask_registry,
            "counting the provider's listings",
            ask_provider,
            reach=1.0,
            pairs=pairs,
        )
        client.close()
        return [
            row,
            Count("requests that a count by listing takes", requests, "requests", float("inf")),
        ]


if __name__ == "__main__":
    main(__doc__ or "", measure_all, pairs=9)
