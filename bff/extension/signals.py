"""Blinker signals of an application's sign-ins and sign-outs.

The sender is the Flask application. A session may end without a request of its visitor (the
provider's back channel, a refused refresh), so a receiver must not lean on one; an application
context is always there. Only the process in which it happens tells.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from blinker import Namespace
from flask import has_app_context

from httpkit.events import log_bug

if TYPE_CHECKING:
    from blinker import NamedSignal
    from flask import Flask

    from bff.sessions.news import Begun, Ended, SessionNews

_namespace = Namespace()

#: Somebody signed in; ``session`` is a `Begun`.
signed_in: Final = _namespace.signal("signed-in")
#: A session ended, whoever ended it; ``session`` is an `Ended`.
signed_out: Final = _namespace.signal("signed-out")


def install_signals(app: Flask, news: SessionNews) -> None:
    """Send the signals of *app* when *news* comes."""
    news.listen(begun=partial(_send, app, signed_in), ended=partial(_send, app, signed_out))


def _send(app: Flask, signal: NamedSignal, session: Begun | Ended) -> None:
    if not signal.receivers:
        return
    if not has_app_context():
        with app.app_context():
            _send(app, signal, session)
        return
    for receiver in signal.receivers_for(app):
        _tell(receiver, app, session)


def _tell(receiver: Any, app: Flask, session: Begun | Ended) -> None:  # noqa: ANN401 - anything callable
    try:
        receiver(app, session=session)
    except Exception as error:  # noqa: BLE001 - a receiver's bug is neither the visitor's nor ours
        log_bug(error)
