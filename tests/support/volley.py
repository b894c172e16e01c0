"""Many requests at once, each on a connection of its own, without a thread each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_PATIENCE_S = 40.0


@dataclass(frozen=True)
class Reply:
    """One answer: its status and its head as sent; *took_s* from connecting to the last byte."""

    status: int
    head: str
    body: bytes
    took_s: float

    def header(self, name: str) -> str | None:
        """Return the first header called *name*, or None."""
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


async def ask(
    port: int,
    path: str,
    *,
    ticket: str | None = None,
    cookie: str = "",
    method: str = "GET",
    headers: str = "",
    body: str = "",
) -> Reply:
    """Ask the node at *port* as a script on the BFF's own page does.

    Raises:
        OSError: nobody listens there, or the connection broke.
    """
    started_at = asyncio.get_running_loop().time()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cookies = "; ".join(part for part in (cookie, ticket and f"session={ticket}") if part)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-CSRF: 1\r\n{headers}"
    head += f"Cookie: {cookies}\r\n" if cookies else ""
    length = len(body.encode())
    writer.write(f"{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}".encode())
    try:
        async with asyncio.timeout(_PATIENCE_S):
            raw = await reader.read()
    finally:
        writer.close()
    top, end, answer = raw.partition(b"\r\n\r\n")
    if not end:
        raise ConnectionResetError("closed before an answer")
    text = top.decode("latin-1")
    took_s = asyncio.get_running_loop().time() - started_at
    return Reply(int(text.split(" ", 2)[1]), text, answer, took_s)


async def volley(ports: list[int], each: int, path: str, *, ticket: str | None) -> list[Reply]:
    """Return the answers to *each* requests at each of *ports*, all sent at once."""
    calls = [ask(port, path, ticket=ticket) for _n in range(each) for port in ports]
    return list(await asyncio.gather(*calls))
