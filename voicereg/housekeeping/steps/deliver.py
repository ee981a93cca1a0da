"""Tell each channel what is new to it, in one message."""

from __future__ import annotations

import logging

from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Message, News
from voicereg.domain.rounds import Delivery
from voicereg.domain.routes import VoiceRule
from voicereg.housekeeping.work import Done, Work
from voicereg.settings import ChannelSettings

DEFAULT_CHANNEL = ChannelSettings(name="log", url="log://", rule=VoiceRule())
"""Where the settings name none."""
_logger = logging.getLogger(__name__)


def run(work: Work) -> Done:
    """Send one message to each channel for which there is something new.

    A channel that does not take its message hears of everything in the next round.
    """
    # Of an account that could not be looked at, nothing is known: no warning, and no all-clear.
    kept = {name: work.kept.get(name) for name in work.concerns}
    concerns = [concern for found in work.concerns.values() for concern in found]
    problems = []
    for channel in work.registry.settings.channels or (DEFAULT_CHANNEL,):
        lease = None if work.lease is None else work.lease.lease
        message = work.registry.warnings.prepare(channel, concerns, kept, lease)
        if message is None:
            continue
        delivery = _deliver(work, channel, message)
        work.deliveries.append(delivery)
        problems += [] if delivery.error is None else [delivery.error]
    done = work.deliveries
    counts = {
        "messages": len(done),
        "delivered": sum(delivery.delivered for delivery in done),
        "failed": sum(delivery.error is not None for delivery in done),
    }
    for news in News:
        counts[news.value] = sum(
            item.news is news for delivery in done for item in delivery.message.items
        )
    return Done(counts, problems)


def _deliver(work: Work, channel: ChannelSettings, message: Message) -> Delivery:
    if work.dry_run:
        return Delivery(message, delivered=False)
    language = channel.language or work.registry.settings.warn.language
    try:
        work.open_channel(channel).send(message, language)
    except DeliveryFailed as failed:
        work.registry.warnings.settle(message, str(failed))
        said = f"{failed}; {failed.advice}" if failed.advice else str(failed)
        return Delivery(message, delivered=False, error=said)
    except Exception as error:
        # A fault of one channel must not keep the others from their messages. How far it came,
        # nobody knows: the outcome stays open, and the next round says that it may be a repeat.
        _logger.exception("channel %s failed", channel.name)
        said = f"channel {channel.name}: internal error: {type(error).__name__}"
        return Delivery(message, delivered=False, error=said)
    work.registry.warnings.settle(message, None)
    return Delivery(message, delivered=True)
