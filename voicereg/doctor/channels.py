"""The channels that warnings are sent through."""

from __future__ import annotations

import re
import socket
import uuid
from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from voicereg.doctor.findings import Finding, ok, warning, wrong
from voicereg.doctor.subject import Subject, Unavailable
from voicereg.domain.errors import DeliveryFailed
from voicereg.notify import check_url, open_channel, shown_url
from voicereg.notify.trial import Trial
from voicereg.settings import ChannelSettings

_ENV = "env:"
_OWN_SCHEMES = re.compile(r"(log|file)://", re.IGNORECASE)


def check(subject: Subject) -> Iterator[Finding]:
    """Whether each channel can be opened and, where that is asked for, takes a test."""
    settings = subject.whole_settings
    if not settings.channels:
        yield warning(
            "channel",
            "no channel is set: warnings go to the log alone",
            f"add one to {subject.config_path}, a line each: "
            '[[channel]], name = "mail", url = "mailto://…"',
        )
    known = _account_names(subject)
    for channel in settings.channels:
        fault = _fault(channel, subject)
        if fault is not None:
            what, advice = fault
            yield wrong("channel", f"{channel.name}: {what}", advice)
            continue
        yield ok("channel", f"{channel.name}: {shown_url(channel.url)} can be used")
        account = channel.rule.account
        if account is not None and known is not None and account not in known:
            yield warning(
                "channel.account",
                f"{channel.name}: it is only for account {account}, which there is not",
                f"correct account in {subject.config_path}: there is {', '.join(sorted(known))}",
            )
        if subject.options.send_test:
            yield _tested(channel, subject)


def needs_apprise(channel: ChannelSettings, environment: Mapping[str, str]) -> bool:
    """Whether a channel is one of the services that only Apprise knows."""
    url = _resolved(channel, environment)
    return "://" in url and _OWN_SCHEMES.match(url) is None


def _resolved(channel: ChannelSettings, environment: Mapping[str, str]) -> str:
    """The URL of a channel, out of its variable where it is in one; empty where that is not set."""
    if not channel.url.startswith(_ENV):
        return channel.url
    return environment.get(channel.url.removeprefix(_ENV), "").strip()


def _fault(channel: ChannelSettings, subject: Subject) -> tuple[str, str] | None:
    """What is wrong with a channel, without its secrets, and how to mend it; None: nothing."""
    correct = f"correct its url in {subject.config_path}"
    try:
        open_channel(channel.name, channel.url, environment=subject.environment)
    except DeliveryFailed as failed:
        return failed.why, failed.advice or correct
    if needs_apprise(channel, subject.environment) and find_spec("apprise") is None:
        return "the package apprise is not installed", "pip install 'voicereg[notify]'"
    why = check_url(_resolved(channel, subject.environment))
    if why is None:
        return None
    if channel.url.startswith(_ENV):
        return why, f"correct the URL in the variable {channel.url.removeprefix(_ENV)}"
    return why, correct


def _tested(channel: ChannelSettings, subject: Subject) -> Finding:
    language = channel.language or subject.whole_settings.warn.language
    test = Trial(
        uuid.uuid4().hex,
        channel.name,
        subject.clock.now(),
        (),
        registry=subject.name,
        host=socket.gethostname(),
    )
    try:
        open_channel(channel.name, channel.url, environment=subject.environment).send(
            test, language
        )
    except DeliveryFailed as failed:
        return wrong(
            "channel.test",
            f"{channel.name}: the test was not taken: {failed.why}",
            failed.advice
            or "see that the service can be reached, that it takes messages, and "
            "that the channel's url is right",
        )
    except Exception as error:  # noqa: BLE001 - the others are still to be tested
        # Of what it says nobody knows whether the URL is in it.
        return wrong(
            "channel.test",
            f"{channel.name}: the test was not sent: internal error: {type(error).__name__}",
            "this is a fault of the program, and a round would meet it, too: take another channel",
        )
    return ok("channel.test", f"{channel.name}: it took a test; see that it has arrived")


def _account_names(subject: Subject) -> set[str] | None:
    """The names of all accounts; None: they cannot be had."""
    try:
        return {account.name for account in subject.every_account}
    except Unavailable:
        return None
