"""``voicereg sandbox``: a stand-in for the provider on this machine."""

from __future__ import annotations

import gc
import re
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import FamilyLimit, json_option
from voicereg.cli.output.documents import print_json_lines
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import DEFAULT_LIMIT, Family, Region

if TYPE_CHECKING:
    from voicereg.sandbox import Fault

_FAULT_FORM = "ACTION:KIND[:after][:TIMES]"
_FAULT = re.compile(r"([^:]+):([^:]+?)(:after)?(?::(\*|[0-9]{1,9}))?")


class _FaultType(click.ParamType["Fault"]):
    """What goes wrong, written as in ``_FAULT_FORM``."""

    name = "fault"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fault:
        """The fault."""
        from voicereg.sandbox import Fault, fault_kind

        if isinstance(value, Fault):
            return value
        parts = _FAULT.fullmatch(value)
        if parts is None:
            self.fail(f"{value!r} is not of the form {_FAULT_FORM}", param, ctx)
        action, kind, after, times = parts.groups(default="")
        try:
            return Fault(
                action=action,
                kind=fault_kind(kind),
                after=bool(after),
                times=None if times == "*" else int(times or 1),
            )
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8787,
    show_default=True,
    help="On loopback; 0: any free one.",
)
@click.option("--limit", "limits", type=FamilyLimit(), multiple=True, help="The quota of a family.")
@click.option(
    "--region",
    type=click.Choice([region.value for region in Region]),
    default=Region.BEIJING.value,
    show_default=True,
    help="The region that it plays.",
)
@click.option(
    "--create-seconds",
    type=click.FloatRange(0, 600),
    metavar="SECONDS",
    default=3.0,
    show_default=True,
    help="How long a create takes.",
)
@click.option(
    "--review-seconds",
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    default=5.0,
    show_default=True,
    help="How long a CosyVoice voice is reviewed.",
)
@click.option(
    "--delete-idle-after",
    "idle_days",
    type=click.IntRange(1, 36_525),
    metavar="DAYS",
    default=365,
    show_default=True,
    help="When a voice that nobody uses is deleted. To see it, move the clock: POST"
    ' {"advance_days": 365} to /sandbox/clock.',
)
@click.option(
    "--fault",
    "faults",
    type=_FaultType(),
    metavar=_FAULT_FORM,
    multiple=True,
    help="What goes wrong, once or TIMES times (*: always), such as create:timeout:after;"
    " an unknown KIND is answered with all there are.",
)
@json_option
@pass_app
def sandbox(
    app: App,
    /,
    port: int,
    limits: tuple[tuple[Family, int], ...],
    region: str,
    create_seconds: float,
    review_seconds: float,
    idle_days: int,
    faults: tuple[Fault, ...],
    as_json: bool,
) -> int:
    """Serve a stand-in for the provider.

    It is for trying and testing without a key, on this machine only. It forgets everything when it
    stops (Ctrl-C). A prompt with [reject] in it is refused by its review, one with [inspect] by its
    content inspection.
    """
    from voicereg.sandbox import Sandbox

    given = {family.value: DEFAULT_LIMIT for family in Family}
    given |= {family.value: limit for family, limit in limits}
    try:
        stand_in = Sandbox(
            port=port,
            limits=given,
            region=region,
            create_time=timedelta(seconds=create_seconds),
            review_time=timedelta(seconds=review_seconds),
            delete_idle_after=timedelta(days=idle_days),
        )
    except OSError as error:
        raise InvalidInput(
            Problem("port", str(port), error.strerror or str(error)),
            advice="give another with --port; 0 takes any that is free",
        ) from error
    for fault in faults:
        stand_in.misbehave(fault.action, fault.kind, times=fault.times, after=fault.after)
    signal.signal(signal.SIGTERM, lambda number, frame: stand_in.stop())
    if as_json:
        print_json_lines(
            [
                {
                    "base_url": stand_in.base_url,
                    "websocket_base_url": stand_in.websocket_base_url,
                    "api_key": stand_in.api_key,
                }
            ]
        )
    else:
        click.echo(f"export VOICEREG_BASE_URL={stand_in.base_url}")
        click.echo(f"export {DEFAULT_KEY_VARIABLE}={stand_in.api_key}")
        # Voices that never were must not get into a registry of real ones.
        click.echo('export VOICEREG_DATABASE="$PWD/sandbox-voices.db"')
        app.say("serving; type these lines into another shell. Ctrl-C stops.")
    gc.set_threshold(700, 10, 10)  # as usual again: it may run for days
    stand_in.serve_forever()
    return ExitCode.DONE
