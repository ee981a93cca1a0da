"""Uses noted without touching the code that makes them; each takes one line.

A client of ``httpx``, or one of its asynchronous clients::

    client = httpx.Client(event_hooks=track_httpx(registry))
    client = httpx.AsyncClient(event_hooks=track_httpx_async(registry))

The provider's official SDK (``dashscope``), everywhere in the process::

    track_sdk(registry)

Every *successful* synthesis is noted, as :meth:`voicereg.Registry.record_use` does: what failed is
no use. Nothing here ever raises into the code that it watches, reads ahead of it, or keeps what
passes through. ``source="narration service"`` names the user of the voices in each of them.
"""

from __future__ import annotations

from voicereg.tracking.httpx_hooks import track_httpx, track_httpx_async
from voicereg.tracking.sdk import SdkTracking, track_sdk

__all__ = ["SdkTracking", "track_httpx", "track_httpx_async", "track_sdk"]
