"""The gateway as a Flask extension: sign-in, guards and an API client in somebody else's app.

``Cloakroom(app)`` mounts `/bff/login`, `/bff/callback/…`, `/bff/logout`, `/bff/user`,
`/bff/sessions` and the provider's logout calls; views are guarded by the same session and
anti-forgery as the gateway's own. Plain WSGI; the data plane is not needed.

Spec: RFC 10017 §6.1; RFC 9470 (step-up); CONTRACT of the product, `docs/guides/flask-extension.md`.
"""

from bff.extension.api import ApiClient, ApiMisused
from bff.extension.cloakroom import Cloakroom
from bff.extension.settings import ExtensionSettings
from bff.extension.signals import signed_in, signed_out
from bff.extension.visitor import Visitor
from bff.sessions.news import Begun, Ended
from bff.settings import SettingsInvalid
from httpkit.problems import Refused, Unavailable

__all__ = [
    "ApiClient",
    "ApiMisused",
    "Begun",
    "Cloakroom",
    "Ended",
    "ExtensionSettings",
    "Refused",
    "SettingsInvalid",
    "Unavailable",
    "Visitor",
    "signed_in",
    "signed_out",
]
