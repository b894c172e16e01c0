"""A plain HTTP client for what wrk cannot do: streams that stay open, endless bodies."""

from __future__ import annotations

from bench.visitor import USER_AGENT


def head(method: str, path: str, port: int, cookie: str, *, length: int = 0) -> bytes:
    """Return the head of a same-origin call, as a signed-in page makes it."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: localhost:{port}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Language: en-GB,en;q=0.9,zh-CN;q=0.8",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: empty",
        "X-CSRF: 1",
    ]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    if method not in {"GET", "HEAD"}:
        lines += [f"Content-Length: {length}", "Content-Type: application/octet-stream"]
    return "\r\n".join([*lines, "", ""]).encode()


def status_of(answer: bytes) -> int:
    """Return the status code that *answer* begins with; 0 when it is no answer."""
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
