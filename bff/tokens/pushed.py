"""Authorization requests that are handed to the provider directly, so that no browser sees them.

Spec: RFC 9126.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.integrations.base_client import OAuthError

from bff.tokens.wire import ProviderFault, provider_errors, require_answer

if TYPE_CHECKING:
    from bff.tokens.metadata import Metadata

    Par = Literal["auto", "never", "required"] | None

_PUSHED = (200, 201)  # RFC 9126 §2.2 says 201; some providers say 200
_CREDENTIALS_IN_FORM = "client_secret_post"


def find_endpoint(metadata: Metadata, par: Par) -> str | None:
    """Return where to push the request under the setting *par*; None where it is not pushed.

    Raises:
        ProviderFault: one side demands what the other rules out.
    """
    endpoint = metadata.pushed_authorization_request_endpoint
    demanded = metadata.require_pushed_authorization_requests
    if par == "never" and demanded:
        raise ProviderFault('metadata: only pushed requests are taken, and par is "never"')
    if endpoint is None and (demanded or par == "required"):
        raise ProviderFault("metadata: pushed requests are demanded, and no endpoint is offered")
    return endpoint if demanded or par in {"auto", "required"} else None


def push(
    client: Any,  # noqa: ANN401 - Authlib has no types
    url: str,
    *,
    endpoints: tuple[str, str],
    auth_method: str,
) -> str:
    """Push the authorization request *url*; return the address for the browser instead of it.

    What the browser carries is the client's id and a name for the request, nothing else
    (RFC 9126 §4). Never falls back to an open request: an outage must not lower the guard.

    Args:
        client: authenticates us.
        url: the whole request, as the browser would carry it.
        endpoints: of authorization, and of pushing.
        auth_method: as at the token endpoint.

    Raises:
        GrantRefused: the provider does not take this request, or not from this client.
        Unavailable: no answer.
        ProviderFault: an answer that cannot be used.
    """
    authorization, pushing = endpoints
    # An endpoint may have a query of its own (RFC 6749 §3.1): that stays where it is.
    fixed = parse_qsl(urlsplit(authorization).query, keep_blank_values=True)
    form = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)[len(fixed) :])
    client_id = form["client_id"]
    if auth_method == _CREDENTIALS_IN_FORM:
        del form["client_id"]  # Authlib writes it once more, and a doubled parameter is refused
    with provider_errors():
        reply = client.post(pushing, data=form, auth=client.client_auth(auth_method))
        request_uri = _request_uri(require_answer(reply).status_code, reply.json())
    query = urlencode([*fixed, ("client_id", client_id), ("request_uri", request_uri)])
    return urlsplit(authorization)._replace(query=query).geturl()


def _request_uri(status: int, said: object) -> str:
    answer = said if isinstance(said, dict) else {}
    request_uri, error = answer.get("request_uri"), answer.get("error")
    if status in _PUSHED and isinstance(request_uri, str) and request_uri:
        return request_uri
    if status not in _PUSHED and isinstance(error, str) and error:
        raise OAuthError(error)
    raise ProviderFault(f"pushed request: status {status} without a request_uri or an error")
