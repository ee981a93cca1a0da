"""Delivery of messages: what they say, and the channels that carry them."""

from __future__ import annotations

from voicereg.notify.channels import Channel, check_url, open_channel, shown_url
from voicereg.notify.rendering import Rendered, render

__all__ = ["Channel", "Rendered", "check_url", "open_channel", "render", "shown_url"]
