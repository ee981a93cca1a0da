"""What a sandbox can be told when it is made, for those who pass it on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import TypedDict

from voicereg.sandbox.models import TargetModel


class SandboxOptions(TypedDict, total=False):
    """The arguments of ``Sandbox``, which says what each means. All may be left out."""

    port: int
    host: str
    api_keys: Iterable[str]
    region: str
    limits: Mapping[str, int] | None
    review_time: timedelta
    create_time: timedelta
    page_cap: int | None
    clock: Callable[[], datetime] | None
    rng: Random | None
    sleep: Callable[[float], None] | None
    utc_offset: timedelta
    reject_marker: str
    inspect_marker: str
    extra_models: Iterable[TargetModel]
    keep_requests: int
    delete_idle_after: timedelta | None
