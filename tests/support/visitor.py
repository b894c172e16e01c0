"""A person at the raw browser: what one does to sign up, sign in, use the API and sign out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.support.browser import Browser

if TYPE_CHECKING:
    from tests.support.browser import Request, Response
    from tests.support.pages import Form

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """What is typed into forms: an account of the SSO, or one to be made."""

    username: str
    password: str
    email: str


def new_person(prefix: str = "ada") -> Person:
    """Return a person that no SSO has seen; the words are easily found in any dump."""
    name = f"{prefix}{next(_numbers)}xq"
    return Person(name, f"correct horse battery {name}", f"{name}@example.org")


@dataclass(frozen=True)
class Callback:
    """A redirect to the BFF's callback that the browser has not followed yet."""

    browser: Browser
    request: Request

    @property
    def url(self) -> str:
        """The callback with its ``code`` and ``state``."""
        return self.request.url

    def visit(self, *, follow: bool = False) -> Response:
        """Follow it, as often as one likes."""
        return self.browser.resume(self.request, follow=follow)


class Visitor(Browser):
    """A browser whose person knows the BFF's address and has, or will make, an account."""

    def __init__(self, bff_url: str, person: Person) -> None:
        super().__init__()
        self.bff_url = bff_url
        self.person = person

    def login_url(self, return_to: str = "/", **more: str) -> str:
        """Return the address that starts a sign-in."""
        extra = "".join(f"&{name}={quote(value)}" for name, value in more.items())
        return f"{self.bff_url}/bff/login?return_to={quote(return_to, safe='')}{extra}"

    def sign_in(self, return_to: str = "/", **more: str) -> Response:
        """Sign in by the SSO's page; return the page that it all lands on."""
        asked = self.open(self.login_url(return_to, **more))
        if not asked.url.startswith(self.bff_url):
            return self.give_password()
        return asked

    def give_password(self) -> Response:
        """Fill in the sign-in form on the page at hand."""
        person = self.person
        return self.submit(
            self.form_with("password"), username=person.username, password=person.password
        )

    def sign_up(self) -> Response:
        """Go from the sign-in page at hand to the sign-up page and make the account."""
        link = next(link for link in self._window().html.links if "sign-up" in link)
        self.click(link)
        person = self.person
        return self.submit(
            self.form_with("email"),
            username=person.username,
            email=person.email,
            password=person.password,
        )

    def sign_in_until_callback(self, return_to: str = "/") -> Callback:
        """Sign in, but do not follow the redirect to the callback yet."""
        self.hold_at(f"{self.bff_url}/bff/callback/")
        self.sign_in(return_to)
        return Callback(self, self.take_held())

    def api(self, path: str = "/users/me", method: str = "GET", **more: object) -> Response:
        """Call the API through the BFF as the front end does."""
        return self.fetch(f"{self.bff_url}/api{path}", method, **more)  # type: ignore[arg-type] # passed on

    def user(self) -> Response:
        """Ask the BFF who is signed in."""
        return self.fetch(f"{self.bff_url}/bff/user")

    def sign_out(self) -> Response:
        """Sign out as the front end does: ask, then go to the address that comes back."""
        asked = self.fetch(f"{self.bff_url}/bff/logout", "POST")
        if asked.status == 200 and (url := asked.json()["logout_url"]):
            return self.click(url)
        return asked

    def ticket(self) -> str | None:
        """Return the value of the session cookie, or None."""
        found = self.jar.named("session", "localhost")
        return found[0].value if found else None

    def page_forms(self) -> list[Form]:
        """Return the forms of the page at hand."""
        return self._window().html.forms

    def page_links(self) -> list[str]:
        """Return the links of the page at hand."""
        return self._window().html.links

    def form_with(self, field: str) -> Form:
        """Return the form of the page at hand that has *field*."""
        forms = self._window().html.forms
        return next(form for form in forms if field in form.fields)
