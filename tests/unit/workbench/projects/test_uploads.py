"""Uploads and downloads: chunks that count when they are whole, bytes that no browser runs."""

from __future__ import annotations

import base64
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.unit.workbench.projects.conftest import answered
from workbench.database import db
from workbench.factory import build_app
from workbench.kit.clock import utc_now
from workbench.projects.limits import Limits
from workbench.projects.model import Content, DoomedBlob, Part
from workbench.projects.storage import new_key, storage_of
from workbench.projects.upkeep import sweep

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.unit.workbench.projects.conftest import Office
    from workbench.settings import Settings

CHUNK = 65_536
PNG = b"\x89PNG\r\n\x1a\n"


def bytes_of(length: int) -> bytes:
    """Return *length* bytes that repeat nowhere near."""
    return b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(length // 32 + 1))[
        :length
    ]


def begun(office: Office, name: str, content: bytes, **more: object) -> str:
    """Announce a file; return the upload's path."""
    body = {"name": name, "size": len(content), **more}
    made = office["max"].made(f"/projects/{office.home['id']}/uploads", body)
    return f"/uploads/{made['id']}"


def sent(
    office: Office,
    path: str,
    offset: int,
    chunk: bytes,
    who: str = "max",
    checksum: str | None = None,
) -> TestResponse:
    """Send one chunk."""
    headers = office[who].headers | {"Upload-Offset": str(offset)}
    if checksum is not None:
        headers["Upload-Checksum"] = checksum
    return office.app.test_client().patch(path, data=chunk, headers=headers)


def uploaded(office: Office, name: str, content: bytes, **more: object) -> dict[str, Any]:
    """Upload a file in chunks; return it."""
    path = begun(office, name, content, **more)
    last: dict[str, Any] = {}
    for offset in range(0, len(content), CHUNK):
        last = answered(sent(office, path, offset, content[offset : offset + CHUNK]))
    return dict(last["file"])


def downloaded(
    office: Office, file: dict[str, Any], query: str = "", who: str = "rea", **headers: str
) -> TestResponse:
    """Ask for a file's bytes; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/files/{file['id']}/content{query}"
    return office.app.test_client().get(path, headers=office[who].headers | named)


def blobs(settings: Settings) -> list[Path]:
    """Return every file in the folder of files."""
    folder = Path(urlsplit(settings.files_url).path)
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_comes_in_chunks_and_goes_out_whole(office: Office, settings: Settings) -> None:
    """Nothing of its name is in the folder; its bytes are the same."""
    content = bytes_of(2 * CHUNK + 1234)
    digest = hashlib.sha256(content).hexdigest()
    file = uploaded(office, "年度报告.bin", content, sha256=digest)
    assert (file["kind"], file["size"], office.tree()) == ("file", len(content), ["年度报告.bin"])
    answer = downloaded(office, file)
    assert answer.data == content
    assert answer.headers["Content-Length"] == str(len(content))
    assert sorted(path.stat().st_size for path in blobs(settings)) == [1234, CHUNK, CHUNK]
    assert not any("年度" in str(path) for path in blobs(settings))


def test_an_upload_goes_on_where_it_stopped(office: Office) -> None:
    """GET and HEAD tell where; a wrong place is 409 with the right one."""
    content = bytes_of(2 * CHUNK)
    path = begun(office, "a.bin", content)
    assert answered(sent(office, path, 0, content[:CHUNK]))["offset"] == CHUNK
    wrong = sent(office, path, 2 * CHUNK, content[CHUNK:])
    assert answered(wrong, 409)["offset"] == CHUNK
    assert wrong.headers["Upload-Offset"] == str(CHUNK)
    head = office.app.test_client().head(path, headers=office["max"].headers)
    assert head.headers["Upload-Offset"] == str(CHUNK)
    assert answered(office["max"].get(path))["offset"] == CHUNK
    assert answered(sent(office, path, CHUNK, content[CHUNK:]))["file"]["name"] == "a.bin"


def test_a_chunk_that_is_cut_counts_for_nothing(office: Office, settings: Settings) -> None:
    """Neither a byte of it in the folder nor a step of the offset."""
    content = bytes_of(CHUNK)
    path = begun(office, "a.bin", content)
    headers = office["max"].headers | {"Upload-Offset": "0", "Content-Length": str(CHUNK)}
    cut = office.app.test_client().patch(
        path, input_stream=io.BytesIO(content[:1000]), headers=headers
    )
    assert cut.status_code == 400
    assert blobs(settings) == []
    assert answered(office["max"].get(path))["offset"] == 0


def test_a_chunk_sent_twice_is_taken_once(office: Office, settings: Settings) -> None:
    """Its answer was lost: the same again, the last chunk included; other bytes are 409."""
    content = bytes_of(2 * CHUNK)
    path = begun(office, "a.bin", content)
    for _ in range(2):
        assert answered(sent(office, path, 0, content[:CHUNK]))["offset"] == CHUNK
    assert sent(office, path, 0, content[CHUNK:]).status_code == 409
    first, again = (answered(sent(office, path, CHUNK, content[CHUNK:])) for _ in range(2))
    assert first["file"] == again["file"]
    assert len(blobs(settings)) == 2
    assert office.tree() == ["a.bin"]


def test_a_chunk_sent_eight_times_at_once_is_taken_once(office: Office, settings: Settings) -> None:
    """Every answer is good, and there is one file of one blob."""
    content = bytes_of(CHUNK)
    path = begun(office, "a.bin", content)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sent(office, path, 0, content), range(8)))
    assert {answered(answer)["file"]["id"] for answer in answers} == {
        answered(office["max"].get(path))["file"]["id"]
    }
    assert len(blobs(settings)) == 1


def test_checksums_hold(office: Office, settings: Settings) -> None:
    """Of a chunk and of the whole; nothing of what does not fit is kept."""
    content = bytes_of(CHUNK)
    path = begun(office, "a.bin", content, sha256="0" * 64)
    good = base64.b64encode(hashlib.sha256(content).digest()).decode()
    bad = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    for checksum, status, code in (
        (f"sha256 {bad}", 422, "checksum_mismatch"),
        (f"md5 {good}", 400, "bad_request"),
        (f"sha256 {good}", 422, "checksum_mismatch"),  # the chunk is right, the file is not
    ):
        refused = answered(sent(office, path, 0, content, checksum=checksum), status)
        assert refused["code"] == code
    assert blobs(settings) == []
    assert office.tree() == []


def test_an_upload_is_its_owners_alone(office: Office) -> None:
    """For everybody else it is not there, whatever they may do in the project."""
    content = bytes_of(100)
    path = begun(office, "a.bin", content)
    assert office["lea"].get(path).status_code == 404
    assert sent(office, path, 0, content, who="lea").status_code == 404
    assert office["lea"].call("DELETE", path).status_code == 404


def test_who_may_write_no_longer_uploads_no_further(office: Office, settings: Settings) -> None:
    """The right is asked for at every chunk."""
    content = bytes_of(100)
    path = begun(office, "a.bin", content)
    member = f"/projects/{office.home['id']}/members/{office['max'].id}"
    answered(office["lea"].call("PUT", member, {"role": "reader"}))
    assert sent(office, path, 0, content).status_code == 403
    assert office["lea"].call("DELETE", member).status_code == 204
    assert sent(office, path, 0, content).status_code == 404
    assert blobs(settings) == []


def test_a_project_holds_so_many_bytes(office: Office, settings: Settings) -> None:
    """What has begun counts, and what lies in the trash; given up and erased, there is room."""
    narrow = build_app(settings.model_copy(update={"project_bytes": 10}))
    roomy, office.app = office.app, narrow
    try:
        for who in ("lea", "max"):
            office.people[who] = replace(office[who], client=narrow.test_client())
        file = answered(sent(office, begun(office, "a", b"12345"), 0, b"12345"))["file"]
        waiting = begun(office, "b", b"12345")
        path, more = f"/projects/{office.home['id']}/uploads", {"name": "c", "size": 1}
        assert answered(office["max"].post(path, more), 409)["code"] == "limit_reached"
        assert office["max"].call("DELETE", waiting).status_code == 204
        begun(office, "c", b"1234")
        assert office["max"].call("DELETE", f"/nodes/{file['id']}").status_code == 204
        assert answered(office["max"].post(path, more | {"size": 2}), 409)
        assert office["lea"].call("DELETE", f"/trash/{file['id']}").status_code == 204
        begun(office, "d", b"123456")
    finally:
        with narrow.app_context():
            db.engine.dispose()
        office.app = roomy


def test_an_abandoned_upload_leaves_nothing(office: Office, settings: Settings) -> None:
    """Given up by its owner at once, or by nobody after its time."""
    content = bytes_of(2 * CHUNK)
    given_up, forgotten = (begun(office, "a.bin", content) for _ in range(2))
    for path in (given_up, forgotten):
        sent(office, path, 0, content[:CHUNK])
    assert office["max"].call("DELETE", given_up).status_code == 204
    assert office["max"].get(given_up).status_code == 404
    assert len(blobs(settings)) == 1
    limits = Limits.of(settings)
    later = utc_now() + timedelta(seconds=limits.upload_ttl_s + 1)
    with office.app.app_context():
        swept = sweep(storage_of(settings), limits, now=lambda: later)
        assert (swept.uploads, swept.blobs) == (1, 1)
        assert db.session.query(Content).count() == db.session.query(Part).count() == 0
    assert blobs(settings) == []


def test_blobs_without_a_row_are_swept_and_no_others(office: Office, settings: Settings) -> None:
    """A crash between storage and commit leaves a blob that nothing points at."""
    kept = uploaded(office, "kept.bin", bytes_of(100))
    storage = storage_of(settings)
    storage.put(new_key(), io.BytesIO(b"orphan"), 6)
    with office.app.app_context():
        assert sweep(storage, Limits.of(settings)).blobs == 0  # too young to judge
        later = utc_now() + timedelta(days=2)
        assert sweep(storage, Limits.of(settings), now=lambda: later).blobs == 1
    assert downloaded(office, kept).data == bytes_of(100)


def test_erasing_a_file_erases_its_bytes(office: Office, settings: Settings) -> None:
    """In the request itself; nothing is left for later."""
    file = uploaded(office, "a.bin", bytes_of(2 * CHUNK))
    assert office["max"].call("DELETE", f"/nodes/{file['id']}").status_code == 204
    assert downloaded(office, file).status_code == 404
    assert len(blobs(settings)) == 2
    assert office["lea"].call("DELETE", f"/trash/{file['id']}").status_code == 204
    assert blobs(settings) == []
    with office.app.app_context():
        assert db.session.query(DoomedBlob).count() == 0


def test_an_empty_file_is_there_at_once(office: Office) -> None:
    """There is no chunk to send."""
    made = office["max"].made(
        f"/projects/{office.home['id']}/uploads", {"name": "empty.txt", "size": 0}
    )
    answer = downloaded(office, made["file"])
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_name_that_is_taken_gets_a_number(office: Office) -> None:
    """Nobody uploads for an hour to be told that."""
    for _ in range(2):
        uploaded(office, "照片.png", PNG + b"1", type="image/png")
    assert office.tree() == ["照片.png", "照片 (2).png"]


def test_a_folder_that_is_gone_by_the_end_is_the_top(office: Office) -> None:
    """The bytes came all the same."""
    folder = office.folder("folder")
    path = begun(office, "a.bin", b"abc", parent=folder["id"])
    assert office["max"].call("DELETE", f"/nodes/{folder['id']}").status_code == 204
    assert answered(sent(office, path, 0, b"abc"))["file"]["parent"] is None


def test_what_cannot_be_right_is_named(office: Office) -> None:
    """Size, type, length of a chunk, its place."""
    path = f"/projects/{office.home['id']}/uploads"
    for body, field in (
        ({"name": "a", "size": -1}, "size"),
        ({"name": "a", "size": 2**40}, "size"),
        ({"name": "a", "size": 1, "type": "nonsense"}, "type"),
        ({"name": "../a", "size": 1}, "name"),
        ({"name": "a", "size": 1, "sha256": "x"}, "sha256"),
    ):
        refused = answered(office["max"].post(path, body), 422)
        assert refused["errors"][0]["field"] == field
    upload = begun(office, "a.bin", bytes_of(CHUNK + 1))
    assert sent(office, upload, 0, b"short").status_code == 400
    assert sent(office, upload, 0, bytes_of(CHUNK + 1)).status_code == 400
    assert sent(office, upload, 7, bytes_of(CHUNK)).status_code == 409
    no_offset = office.app.test_client().patch(upload, data=b"x", headers=office["max"].headers)
    assert no_offset.status_code == 400


def test_a_file_is_what_it_says(office: Office, settings: Settings) -> None:
    """A page dressed up as a picture is refused at its first bytes."""
    page = b"<html><script>alert(1)</script>"
    path = begun(office, "cat.png", page, type="image/png")
    refused = answered(sent(office, path, 0, page), 422)
    assert refused["errors"][0] == refused["errors"][0] | {"field": "type", "code": "mismatch"}
    assert blobs(settings) == []


def test_a_browser_shows_only_what_it_cannot_run(office: Office) -> None:
    """Everything else is downloaded, asked for inline or not."""
    for name, media_type, content, inline in (
        ("a.png", "image/png", PNG + b"...", True),
        ("a.txt", "text/plain; charset=gbk", b"<script>", True),
        ("a.html", "text/html", b"<script>alert(1)</script>", False),
        ("a.svg", "image/svg+xml", b"<svg onload='alert(1)'/>", False),
        ("a.pdf", "application/pdf", b"%PDF-1.7", False),
        ("a.js", "text/javascript", b"alert(1)", False),
        ("a.xml", "application/xhtml+xml", b"<html/>", False),
    ):
        file = uploaded(office, name, content, type=media_type)
        asked, plain = downloaded(office, file, "?inline=true"), downloaded(office, file)
        kind = "inline" if inline else "attachment"
        assert asked.headers["Content-Disposition"].startswith(kind), name
        assert plain.headers["Content-Disposition"].startswith("attachment")
        for answer in (asked, plain):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Content-Type"].startswith(media_type.partition(";")[0])


def test_ranges_are_told_and_kept(office: Office) -> None:
    """Across chunks, from the end, behind the end; `If-Range` of other bytes gets all of them."""
    content = bytes_of(2 * CHUNK + 10)
    file = uploaded(office, "a.bin", content)
    tag = downloaded(office, file).headers["ETag"]
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        (f"bytes={CHUNK - 5}-{CHUNK + 4}", CHUNK - 5, CHUNK + 5),
        ("bytes=-7", len(content) - 7, len(content)),
        (f"bytes={2 * CHUNK}-", 2 * CHUNK, len(content)),
    ):
        answer = downloaded(office, file, Range=asked, If_Range=tag)
        assert (answer.status_code, answer.data) == (206, content[start:end])
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(content)}"
    beyond = downloaded(office, file, Range=f"bytes={len(content)}-")
    assert answered(beyond, 416)["code"] == "range_not_satisfiable"
    assert beyond.headers["Content-Range"] == f"bytes */{len(content)}"
    for headers in (
        {"Range": "bytes=0-1", "If_Range": '"other"'},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "lines=0-1"},
    ):
        answer = downloaded(office, file, **headers)
        assert (answer.status_code, len(answer.data)) == (200, len(content))


def test_the_same_bytes_are_304(office: Office) -> None:
    """And HEAD has no body, but the length."""
    file = uploaded(office, "a.bin", b"abc")
    tag = downloaded(office, file).headers["ETag"]
    answer = downloaded(office, file, If_None_Match=tag)
    assert (answer.status_code, answer.data) == (304, b"")
    path = f"/files/{file['id']}/content"
    head = office.app.test_client().head(path, headers=office["rea"].headers)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "3")


def test_a_missing_blob_is_503_and_no_broken_200(office: Office, settings: Settings) -> None:
    """A folder that was not mounted is an outage, not a loss."""
    file = uploaded(office, "a.bin", b"abc")
    (blob,) = blobs(settings)
    blob.unlink()
    answer = downloaded(office, file)
    assert answered(answer, 503)["code"] == "files_unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
