"""Both kinds of storage behind one seam: whole blobs or none, and honest about outages."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.s3 import S3Server
from workbench.problems import Unavailable
from workbench.projects.storage import BlobCut, BlobMissing, new_key, storage_of
from workbench.settings import Settings, SettingsInvalid, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workbench.projects.storage import Storage

LONG = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(70_000))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3-compatible server that checks every signature."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.program.stop()


def in_bucket(s3: S3Server, **changed: str) -> Settings:
    """Return settings for the server's bucket."""
    return Settings.model_validate(
        {
            "database_url": "sqlite://",
            "files_url": f"s3://{s3.bucket}/cloakroom/files",
            "s3_endpoint": s3.url,
            "s3_access_key": s3.access_key,
            "s3_secret_key": s3.secret_key,
        }
        | changed
    )


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Each kind in turn."""
    if request.param == "folder":
        url = f"file://{tmp_path}/files"
        return storage_of(Settings(database_url="sqlite://", files_url=url))
    return storage_of(in_bucket(request.getfixturevalue("s3")))


def put(storage: Storage, content: bytes) -> str:
    """Keep *content*; return its key."""
    key = new_key()
    received = storage.put(key, io.BytesIO(content + b"more"), len(content))
    assert received.sha256 == hashlib.sha256(content).hexdigest()
    assert received.head == content[:512]
    return key


@pytest.mark.parametrize("content", [b"x", LONG], ids=["short", "long"])
def test_what_was_put_is_read(storage: Storage, content: bytes) -> None:
    """In full, in part, and not a byte of what came behind it."""
    key = put(storage, content)
    assert b"".join(storage.read(key, 0, len(content))) == content
    half = len(content) // 2
    assert b"".join(storage.read(key, half, len(content))) == content[half:]
    assert b"".join(storage.read(key, 0, half)) == content[:half]


def test_a_source_that_ends_early_leaves_nothing(storage: Storage) -> None:
    """Neither the blob nor a part of it."""
    key = new_key()
    with pytest.raises(BlobCut):
        storage.put(key, io.BytesIO(b"abc"), 4)
    with pytest.raises(BlobMissing):
        b"".join(storage.read(key, 0, 1))
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    assert key not in set(storage.keys(older_than=later))


def test_what_was_deleted_is_gone(storage: Storage) -> None:
    """Also when it never was there."""
    key = put(storage, b"abc")
    for _ in range(2):
        storage.delete(key)
    with pytest.raises(BlobMissing):
        b"".join(storage.read(key, 0, 3))


def test_old_blobs_are_listed_and_young_ones_are_not(storage: Storage) -> None:
    """By when they were put."""
    keys = {put(storage, b"abc") for _ in range(3)}
    now = datetime.now(UTC).replace(tzinfo=None)
    assert keys <= set(storage.keys(older_than=now + timedelta(days=1)))
    assert not keys & set(storage.keys(older_than=now - timedelta(days=1)))


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 32, "0" * 31, "0" * 33, "0/" * 16])
def test_a_key_is_never_a_path(storage: Storage, key: str) -> None:
    """Whoever finds a way to name one gets nowhere."""
    with pytest.raises(ValueError, match="key"):
        storage.delete(key)
    with pytest.raises(ValueError, match="key"):
        b"".join(storage.read(key, 0, 1))


def test_a_folder_is_private_and_holds_whole_files(tmp_path: Path) -> None:
    """What a crash left half written is cleared away with the old blobs."""
    url = f"file://{tmp_path}/deep/files"
    storage = storage_of(Settings(database_url="sqlite://", files_url=url))
    key = put(storage, b"abc")
    folder = tmp_path / "deep" / "files"
    file = folder / key[:2] / key
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    half = file.with_name(f"{new_key()}.x.part")
    half.write_bytes(b"a")
    os.utime(half, (0, 0))
    assert list(storage.keys(older_than=datetime(2000, 1, 1))) == []  # noqa: DTZ001 - as stored
    assert not half.exists()


def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    """503 with its reason in the log, never 500."""
    (tmp_path / "files").write_text("no folder")
    url = f"file://{tmp_path}/files"
    storage = storage_of(Settings(database_url="sqlite://", files_url=url))
    with pytest.raises(Unavailable):
        storage.put(new_key(), io.BytesIO(b"abc"), 3)


@pytest.mark.parametrize(
    "changed",
    [
        {"s3_secret_key": "another"},
        {"s3_access_key": "somebody"},
        {"files_url": "s3://no-such-bucket"},
        {"s3_endpoint": "http://127.0.0.1:9"},
    ],
)
def test_a_bucket_that_refuses_us_is_an_outage(s3: S3Server, changed: dict[str, str]) -> None:
    """Wrong keys, no bucket, no server: nothing is lost, and no secret is told."""
    storage = storage_of(in_bucket(s3, **changed))
    with pytest.raises(Unavailable) as caught:
        storage.put(new_key(), io.BytesIO(b"abc"), 3)
    assert caught.value.problem.code == "files_unavailable"
    assert s3.secret_key not in f"{caught.value.hint}{in_bucket(s3, **changed)!r}"


def test_a_bucket_is_listed_to_its_end(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page after page, and nothing that lies beside our folder."""
    other = storage_of(in_bucket(s3, files_url=f"s3://{s3.bucket}/other"))
    put(other, b"abc")
    storage = storage_of(in_bucket(s3, files_url=f"s3://{s3.bucket}/many"))
    keys = {put(storage, b"x") for _ in range(5)}
    monkeypatch.setattr("workbench.projects.storage.s3.PAGE_KEYS", 2)
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    assert set(storage.keys(older_than=later)) == keys


@pytest.mark.parametrize(
    "environ",
    [
        {"WORKBENCH_FILES_URL": "s3://bucket"},
        {"WORKBENCH_FILES_URL": "file://host/folder"},
        {"WORKBENCH_FILES_URL": "file:relative"},
        {"WORKBENCH_FILES_URL": "s3://key:secret@bucket"},
        {"WORKBENCH_FILES_URL": "ftp://host"},
        {"WORKBENCH_UPLOAD_TYPES": '["picture"]'},
        {"WORKBENCH_S3_ENDPOINT": "http://s3.example.com"},
    ],
)
def test_settings_that_name_no_storage_are_refused(environ: dict[str, str]) -> None:
    """Before anything is started."""
    with pytest.raises(SettingsInvalid):
        load_settings(environ=environ)
