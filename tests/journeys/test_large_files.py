"""A large file through the gateway, with nothing but the cookie, on the settings as they come.

`CLOAKROOM_LARGE_FILE_MB=200` sends one of that size.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.visitor import Visitor
    from tests.support.world import World

SIZE = int(os.environ.get("CLOAKROOM_LARGE_FILE_MB", "36")) * 1_048_576 + 4321
_MEMORY_SLACK_KB = 24 * 1024
_PIECE = 1_048_576


def bytes_at(offset: int, length: int) -> bytes:
    """Return the *length* bytes of the file at *offset*; no two megabytes are the same."""
    numbers = range(offset // _PIECE, (offset + length - 1) // _PIECE + 1)
    blocks = [hashlib.sha256(str(n).encode()).digest() * (_PIECE // 32) for n in numbers]
    start = offset % _PIECE
    return b"".join(blocks)[start : start + length]


class Page:
    """What a page does with `fetch`: one connection to the gateway, the cookie, the header."""

    def __init__(self, visitor: Visitor, url: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        self.headers = {"Cookie": f"session={visitor.ticket()}", "X-CSRF": "1"}

    def ask(self, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
        """Send a request without a body; return the answer, unread."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, f"/api{path}", headers=self.headers | named)
        return self.connection.getresponse()

    def chunk(self, path: str, offset: int, chunk: bytes) -> tuple[int, dict[str, Any]]:
        """Send a chunk; return the answer."""
        headers = self.headers | {"Upload-Offset": str(offset)}
        self.connection.request("PATCH", f"/api{path}", body=chunk, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def break_off(self, path: str, offset: int, chunk: bytes) -> None:
        """Send half a chunk and hang up."""
        self.connection.putrequest("PATCH", f"/api{path}")
        headers = self.headers | {"Upload-Offset": str(offset), "Content-Length": str(len(chunk))}
        for name, value in headers.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        self.connection.send(chunk[: len(chunk) // 2])
        self.connection.close()


def family(pid: int) -> Iterator[int]:
    """Yield every process of the group *pid*."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) == pid:
                    yield int(entry.name)
            except ProcessLookupError:
                continue


def forget_peaks(world: World) -> dict[int, int]:
    """Begin to measure anew; return the memory (KB) of each process of gateway and workbench."""
    now = {}
    for program in (world.bff.program, world.workbench.program):
        for pid in family(program.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")
            now[pid] = peak_kb(pid)
    return now


def peak_kb(pid: int) -> int:
    """Return the most memory that *pid* has held since its peak was forgotten."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise AssertionError("no such line")


def test_a_large_file_goes_in_and_out_through_the_gateway(world: World) -> None:
    """In chunks, after a lost connection, with flat memory; and comes back as it was."""
    ada = world.browser
    ada.sign_in()
    team = ada.api("/teams", "POST", body={"name": "大文件"}).json()
    project = ada.api(f"/teams/{team['id']}/projects", "POST", body={"name": "项目"}).json()
    wanted = {"name": "录像.bin", "size": SIZE, "type": "application/octet-stream"}
    upload = ada.api(f"/projects/{project['id']}/uploads", "POST", body=wanted).json()
    path, step = f"/uploads/{upload['id']}", upload["chunk_bytes"]
    page = Page(ada, world.bff.url)
    with closing(page.connection):
        before = forget_peaks(world)
        offset, file, broken = 0, None, False
        while file is None:
            chunk = bytes_at(offset, min(step, SIZE - offset))
            if offset and not broken:
                page.break_off(path, offset, chunk)
                broken = True
                answer = page.ask("HEAD", path)
                answer.read()
                assert int(answer.headers["Upload-Offset"]) == offset
            status, told = page.chunk(path, offset, chunk)
            assert status == 200, told
            offset, file = told["offset"], told["file"]
        digest = hashlib.sha256()
        answer = page.ask("GET", f"/files/{file['id']}/content")
        assert (answer.status, int(answer.headers["Content-Length"])) == (200, SIZE)
        while piece := answer.read(_PIECE):
            digest.update(piece)
        part = page.ask("GET", f"/files/{file['id']}/content", Range=f"bytes={SIZE - 9}-")
        assert (part.status, part.read()) == (206, bytes_at(SIZE - 9, 9))
        assert part.headers["Content-Disposition"].startswith('attachment; filename="file.bin"')
        grown = {pid: peak_kb(pid) - kb for pid, kb in before.items()}
    expected = hashlib.sha256()
    for start in range(0, SIZE, _PIECE):
        expected.update(bytes_at(start, min(_PIECE, SIZE - start)))
    assert digest.hexdigest() == expected.hexdigest()
    assert max(grown.values()) < _MEMORY_SLACK_KB, grown
