"""The two small pages that the extension may have to show; a host application can bring its own.

Whole in themselves, without style or script, so that any policy of the host lets them through.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

from flask import request
from markupsafe import escape

from bff.problems import STORE_UNAVAILABLE
from httpkit.request_ids import current_request_id

if TYPE_CHECKING:
    from httpkit.answers import Answer

POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PAGE = Template(
    '<!DOCTYPE html>\n<html lang="$lang"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">$head<title>$title</title></head>\n'
    "<body><main><h1>$title</h1>$body</main></body></html>\n"
)
_WORDS: Final = {
    "en": {
        "landed": "You are signed in",
        "go_on": "Continue",
        "sign_in": "Sign in",
        "reference": "Reference",
        "later": "Try again in a moment.",
        "circle": "Your browser does not keep the sign-in. Allow cookies for this site, or close "
        "the browser and start again.",
    },
    "zh-Hans": {
        "landed": "登录成功",
        "go_on": "继续",
        "sign_in": "登录",
        "reference": "编号",
        "later": "请稍后再试。",
        "circle": "浏览器没有保存登录状态。请允许本站使用 Cookie，或关闭浏览器后重新开始。",
    },
}


def render_landing(return_to: str) -> str:
    """Return the page that moves on to *return_to*, a local path, by itself and without script."""
    words = _words()
    target = escape(return_to)
    return _page(
        words["landed"],
        f'<p><a href="{target}">{words["go_on"]}</a></p>',
        head=f'<meta http-equiv="refresh" content="0; url={target}">',
    )


def render_error(outcome: Answer) -> str:
    """Return the page for *outcome* with the one next step that makes sense after it."""
    words = _words()
    problem = outcome.problem
    lines = [str(escape(outcome.detail))] if outcome.detail else []
    login_url = outcome.members.get("login_url")
    if outcome.members.get("circle"):
        lines.append(words["circle"])
    if problem.status >= STORE_UNAVAILABLE.status:
        lines.append(words["later"])
    if login_url is not None:
        lines.append(f'<a href="{escape(login_url)}">{words["sign_in"]}</a>')
    lines.append(f"<small>{words['reference']} {escape(current_request_id())}</small>")
    return _page(str(escape(problem.title)), "".join(f"<p>{line}</p>" for line in lines))


def _words() -> dict[str, str]:
    return _WORDS[_language()]


def _language() -> str:
    found = request.accept_languages.best_match(("en", "zh", "zh-CN", "zh-Hans")) or "en"
    return "zh-Hans" if found.startswith("zh") else "en"


def _page(title: str, body: str, *, head: str = "") -> str:
    return _PAGE.substitute(lang=_language(), title=title, body=body, head=head)
