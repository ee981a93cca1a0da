"""Every service that Apprise knows: mail, chats, push. The only module that imports Apprise."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message, News
from voicereg.notify.hushed import hushed
from voicereg.notify.inert import one_line
from voicereg.notify.rendering import Rendered, is_short, render
from voicereg.notify.secrets import Secrets

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyFormat

TIMEOUT_SECONDS = 60.0
"""How long one delivery may take, whatever the URL says of the time for a connection."""
_OWN_OVERFLOW = re.compile("[?&]overflow=", re.IGNORECASE)
_COUNT_BYTES = frozenset({"wecombot", "wechat"})
"""Services whose limit is in bytes of UTF-8, though Apprise counts characters."""
_MARGIN = 0.9
"""What is left of a limit when a service has put the text into its own dialect."""
_WHY_LIMIT = 300
_MISSING = "the package apprise is not installed"
_INSTALL = "pip install 'voicereg[notify]'"


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """One service, or several of its recipients, as a URL of Apprise's names them."""

    name: str
    url: str = field(repr=False)

    def send(self, message: Message, language: Language) -> None:
        """Send a message, as one piece unless the URL says ``overflow=split``.

        Raises:
            DeliveryFailed: Apprise is not installed, cannot read the URL, or a recipient did
                not take the message.
        """
        # Raised outside of every handler: an error of Apprise's may have the URL in it, and
        # would hang on to this one.
        with hushed() as logged:
            failure = self._send(message, language, logged)
        if failure is not None:
            raise DeliveryFailed(self.name, *failure)

    def _send(
        self, message: Message, language: Language, logged: list[str]
    ) -> tuple[str, str | None] | None:
        try:
            service = _service(self.url)
            import apprise

            if service is None:
                return _unusable(self.url, logged), None
            form = _form(service)
            rendered = render(message, language, fits=_room(service, form))
            only_good_news = all(item.news is News.ALL_CLEAR for item in message.items)
            sender = apprise.Apprise(asset=service.asset)
            sender.add(service)
            taken = sender.notify(
                title=rendered.title,
                body=_body(rendered, form),
                body_format=form,
                notify_type=apprise.NotifyType.SUCCESS
                if only_good_news
                else apprise.NotifyType.WARNING,
                interpret_escapes=False,
            )
        except ImportError:
            return _MISSING, _INSTALL
        except Exception as error:  # noqa: BLE001 - of a hundred services' code, any error may come
            logged.append(f"{type(error).__name__}: {error}")
            taken = None
        return None if taken else (_why(self.url, logged), None)


def check(url: str) -> str | None:
    """What is wrong with a URL, as far as Apprise can tell without sending; None: nothing."""
    with hushed() as logged:
        try:
            service = _service(url)
        except ImportError:
            return f"{_MISSING}: {_INSTALL}"
        except Exception as error:  # noqa: BLE001 - of a hundred services' code, any error may come
            logged.append(f"{type(error).__name__}: {error}")
            service = None
        return _unusable(url, logged) if service is None else None


def _service(url: str) -> NotifyBase | None:
    """What a URL stands for; None: Apprise has logged why that is nothing.

    Raises:
        ImportError: Apprise is not installed.
    """
    with warnings.catch_warnings():
        # It imports modules that Python deprecates; that is for its authors to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        asset = apprise.AppriseAsset(
            app_id="voicereg",
            app_desc="voicereg",
            interpret_escapes=False,
            interpret_emojis=False,
            secure_logging=True,
            service_timeout=TIMEOUT_SECONDS,
        )
        service = apprise.Apprise.instantiate(url, asset=asset)
    if service is not None:
        if _OWN_OVERFLOW.search(url) is None:
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
        service.optional = False  # with "optional" Apprise reports what was lost as delivered
    return service


def _form(service: NotifyBase) -> NotifyFormat:
    """The form that a service is best given: its own, but Markdown where it can show it.

    A service that takes all three forms only passes them on, to nobody knows what: it gets its
    own default, which is text.
    """
    from apprise import NotifyFormat

    own = service.resolve_format(None)
    takes_html = service.resolve_format(NotifyFormat.HTML) is NotifyFormat.HTML
    if own is NotifyFormat.TEXT and not takes_html:
        return service.resolve_format(NotifyFormat.MARKDOWN)
    return own


def _body(rendered: Rendered, form: NotifyFormat) -> str:
    # Never left to Apprise to convert: it takes Markdown to text as it stands, backslashes and all.
    return {"html": rendered.html, "markdown": rendered.markdown}.get(form.value, rendered.text)


def _room(service: NotifyBase, form: NotifyFormat) -> Callable[[Rendered], bool]:
    """What tells whether a service takes a message whole."""
    from apprise import OverflowMode

    if service.overflow_mode is not OverflowMode.TRUNCATE:
        return is_short
    room = int(service.body_maxlen * _MARGIN)
    with_title = service.title_maxlen <= 0 or service.overflow_amalgamate_title
    in_bytes = service.secure_protocol in _COUNT_BYTES

    def fits(rendered: Rendered) -> bool:
        body = _body(rendered, form) + (rendered.title if with_title else "")
        return is_short(rendered) and (len(body.encode()) if in_bytes else len(body)) <= room

    return fits


def _unusable(url: str, logged: Sequence[str]) -> str:
    """Why there is no service for a URL."""
    from apprise import NotificationManager

    scheme = url.partition("://")[0].lower()
    known = NotificationManager()  # type: ignore[no-untyped-call]
    if scheme not in known:
        return f"{scheme}:// is neither log:// nor file:// nor a service that Apprise knows"
    kind = known[scheme]
    if not kind.enabled:
        packages = kind.requirements.get("packages_required") or ()
        needed = packages if isinstance(packages, str) else ", ".join(packages)
        what = f"{scheme}:// cannot be used on this machine"
        return f"{what}; it needs {needed}" if needed else what
    return f"Apprise cannot use it as a {scheme}:// URL: {_why(url, logged)}"


def _why(url: str, logged: Sequence[str]) -> str:
    """What Apprise logged, in a line and without anything that stands in the URL."""
    if not logged:
        return "Apprise does not say why"
    told = "; ".join(dict.fromkeys(text.strip().rstrip(".") for text in logged))
    return one_line(Secrets(url).removed_from(told), _WHY_LIMIT)
