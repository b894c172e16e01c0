"""Blobs in a bucket of Amazon S3 or of any server that speaks like it.

A chunk is spooled before it is sent, because its length and digest are part of the signature; the
memory of a request stays flat. Buckets are addressed by path, which every server understands.

Spec: Amazon S3 API Reference: PutObject, GetObject, DeleteObject, ListObjectsV2.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

import httpx2

from workbench.problems import FILES_UNAVAILABLE, Unavailable
from workbench.projects.storage.blobs import (
    PIECE_BYTES,
    BlobMissing,
    Received,
    Source,
    is_key,
    take_in,
)
from workbench.projects.storage.signing import (
    EMPTY_SHA256,
    Credentials,
    query_of,
    signed_headers,
)
from workbench.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE_KEYS = 1000
_TIMEOUT = httpx2.Timeout(20.0, connect=3.0)
_IN_MEMORY_BYTES = 1_048_576
_LIST_LIMIT_BYTES = 4_194_304
_OK, _PARTIAL, _NO_CONTENT, _NOT_FOUND = 200, 206, 204, 404
_ENTRY = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_KEY = re.compile(rb"<Key>([^<]+)</Key>")
_MODIFIED = re.compile(rb"<LastModified>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)")
_MORE = re.compile(rb"<NextContinuationToken>([^<]+)</NextContinuationToken>")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class S3Storage:
    """A bucket, or a folder of one."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        prefix: str,
        credentials: Credentials,
        *,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Use *bucket* at *endpoint*; keys begin with *prefix* (empty, or ends in a slash)."""
        self._bucket_url = f"{endpoint.rstrip('/')}/{bucket}"
        self._prefix = prefix
        self._credentials = credentials
        self._clock = clock
        self._http = httpx2.Client(
            timeout=_TIMEOUT, follow_redirects=False, trust_env=not is_loopback(endpoint)
        )

    def put(self, key: str, source: Source, size_bytes: int) -> Received:
        """Keep the bytes: see `Storage`."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
            received = take_in(source, size_bytes, spool)
            spool.seek(0)
            with self._answer(
                "PUT",
                self._url(key),
                headers={"Content-Length": str(size_bytes)},
                payload_sha256=received.sha256,
                content=_pieces(spool),
            ) as answer:
                _require(answer, _OK)
        return received

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes: see `Storage`."""
        if start >= end:
            return
        headers = {"Range": f"bytes={start}-{end - 1}"}
        with self._answer("GET", self._url(key), headers=headers) as answer:
            if answer.status_code == _NOT_FOUND:
                raise BlobMissing(key)
            _require(answer, _PARTIAL)
            yield from answer.iter_raw(PIECE_BYTES)

    def delete(self, key: str) -> None:
        """Forget the blob: see `Storage`."""
        with self._answer("DELETE", self._url(key)) as answer:
            _require(answer, _OK, _NO_CONTENT, _NOT_FOUND)

    def keys(self, *, older_than: datetime) -> Iterator[str]:
        """Yield old blobs: see `Storage`."""
        limit = older_than.isoformat(timespec="seconds").encode()
        parameters = {"list-type": "2", "prefix": self._prefix, "max-keys": str(PAGE_KEYS)}
        while True:
            page = self._listed(f"{self._bucket_url}?{query_of(parameters)}")
            for entry in _ENTRY.findall(page):
                named, modified = _KEY.search(entry), _MODIFIED.search(entry)
                if named and modified and modified[1] < limit:
                    key = named[1].decode().removeprefix(self._prefix)
                    if is_key(key):
                        yield key
            more = _MORE.search(page)
            if more is None:
                return
            parameters["continuation-token"] = more[1].decode()

    def _listed(self, url: str) -> bytes:
        with self._answer("GET", url) as answer:
            _require(answer, _OK)
            page = b""
            for piece in answer.iter_raw(PIECE_BYTES):
                page += piece
                if len(page) > _LIST_LIMIT_BYTES:
                    raise Unavailable(FILES_UNAVAILABLE, hint="the list is too long")
            return page

    @contextmanager
    def _answer(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        payload_sha256: str = EMPTY_SHA256,
        content: Iterator[bytes] | None = None,
    ) -> Iterator[httpx2.Response]:
        sent = signed_headers(
            self._credentials,
            method,
            url,
            {"Accept-Encoding": "identity", **(headers or {})},
            payload_sha256=payload_sha256,
            now=self._clock(),
        )
        try:
            with self._http.stream(method, url, headers=sent, content=content) as answer:
                yield answer
        except httpx2.HTTPError as error:
            raise Unavailable(FILES_UNAVAILABLE, hint=type(error).__name__) from error

    def _url(self, key: str) -> str:
        if not is_key(key):
            raise ValueError("not a key of ours")
        return f"{self._bucket_url}/{self._prefix}{key}"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _require(answer: httpx2.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        # The body may name keys and buckets; the status is enough to act on.
        raise Unavailable(FILES_UNAVAILABLE, hint=f"storage answered {answer.status_code}")
