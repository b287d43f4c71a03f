"""Create-only bytes under a root: a local folder or S3.

Belongs: the `Store` protocol and its two backends.
Does not belong: tables, memos, releases.
Rule: `create` never overwrites. Equal bytes count as done (a lost response may be ours), other bytes are an error.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from medreason.base.canonical import sha256_bytes
from medreason.base.errors import BadConfiguration, BadInput, LostToOtherWriter

_KEY = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class Store(Protocol):
    """Bytes by key under one root. Keys are relative, `/`-separated, of letters, digits, '.', '_' and '-'."""

    url: str

    def create(self, key: str, data: bytes) -> bool:
        """Write once; True where this call wrote it, False where equal bytes were there.

        Raises: LostToOtherWriter where other bytes are there; ValueError for empty data.
        """

    def swap(self, key: str, expected: bytes | None, data: bytes) -> None:
        """Replace `expected` (None: nothing there) by `data`, atomically.

        Raises: LostToOtherWriter where something else is there.
        """

    def read(self, key: str) -> bytes:
        """Raises: BadInput where there is nothing."""

    def exists(self, key: str) -> bool:
        """Whether something is there."""

    def keys(self, prefix: str) -> list[str]:
        """All keys under a folder, sorted; a folder that is not there has none."""

    def delete(self, key: str) -> None:
        """Remove; nothing there is no error. For garbage collection and scratch only."""

    def local_path(self, key: str) -> Path:
        """A local file with these bytes, for memory maps and DuckDB; fetched once where the root is remote."""


def open_store(url: str, *, cache: Path | None = None) -> Store:
    """A store under a local folder or an ``s3://bucket/prefix``.

    Args: the root; `cache` is where copies of remote files are kept (default: in the system's temporary folder).
    Raises: BadConfiguration for other schemes.
    """
    if url.startswith("s3://"):
        return S3Store(url, cache or Path(tempfile.gettempdir()) / "medreason-copies")
    if "://" in url:
        raise BadConfiguration(
            f"{url.split('://')[0]}:// cannot be a root", where="root", remedy="Use a folder or s3://."
        )
    return LocalStore(Path(url))


def require_writable(url: str) -> None:
    """Write a small object under a root and remove it again.

    Raises: BadConfiguration where that cannot be done: no such place, no account, no permission.
    """
    key = f".probe-{uuid.uuid4().hex}"
    try:
        store = open_store(url)
        store.create(key, b"probe")
        store.delete(key)
    except failures_of(url) as error:
        raise BadConfiguration(
            f"nothing can be written under this root ({type(error).__name__})",
            where=url,
            remedy="Give a folder or bucket that you may write to; for s3:// AWS_* variables name the account.",
        ) from error


def failures_of(url: str) -> tuple[type[Exception], ...]:
    """What reading and writing under a root raises where the place, the account or the permission is wrong."""
    if not url.startswith("s3://"):
        return (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key) or ".." in key.split("/"):
        msg = f"not a store key: {key!r}"
        raise ValueError(msg)
    return key


def _not_empty(data: bytes) -> bytes:
    if not data:
        # s3fs turns an exclusive create of zero bytes into a plain, overwriting one.
        msg = "a store never holds empty objects"
        raise ValueError(msg)
    return data


def _equal_or_lost(store: Store, key: str, data: bytes) -> bool:
    if sha256_bytes(store.read(key)) != sha256_bytes(data):
        raise LostToOtherWriter(f"{key} already holds other bytes", where=store.url)
    return False


class LocalStore:
    """A folder: private temporary file, fsync, hard link (fails where the name exists), fsync of the folder."""

    def __init__(self, root: Path) -> None:
        """Make the folder where it is missing."""
        self.root = root.expanduser().resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.url = str(self.root)

    def create(self, key: str, data: bytes) -> bool:
        """See `Store.create`."""
        path = self._path(key)
        if path.exists():
            return _equal_or_lost(self, key, data)
        with self._staged(path, _not_empty(data)) as staged:
            try:
                os.link(staged, path)
            except FileExistsError:
                return _equal_or_lost(self, key, data)
        _sync_folder(path.parent)
        return True

    def swap(self, key: str, expected: bytes | None, data: bytes) -> None:
        """See `Store.swap`."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(path.name + ".lock")):
            found = path.read_bytes() if path.exists() else None
            if found != expected:
                raise LostToOtherWriter(f"{key} was changed by another writer", where=self.url)
            with self._staged(path, _not_empty(data)) as staged:
                staged.replace(path)
            _sync_folder(path.parent)

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise BadInput(
                f"{key} is not in the store", where=self.url, remedy="Run the build that makes it."
            ) from error

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self._path(key).is_file()

    def keys(self, prefix: str) -> list[str]:
        """See `Store.keys`."""
        folder = self._path(prefix) if prefix else self.root
        found = (
            p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".staged-") and p.suffix != ".lock"
        )
        return sorted(p.relative_to(self.root).as_posix() for p in found)

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        self._path(key).unlink(missing_ok=True)

    def local_path(self, key: str) -> Path:
        """See `Store.local_path`."""
        path = self._path(key)
        if not path.is_file():
            raise BadInput(f"{key} is not in the store", where=self.url, remedy="Run the build that makes it.")
        return path

    def _path(self, key: str) -> Path:
        return self.root / _checked(key)

    @contextmanager
    def _staged(self, path: Path, data: bytes) -> Iterator[Path]:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".staged-", dir=path.parent)
        staged = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            staged.chmod(0o644)
            yield staged
        finally:
            staged.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class S3Store:
    """S3 through s3fs: conditional PUT; HTTP 412 and 409 are told by their code, under any exception type."""

    def __init__(self, url: str, cache: Path) -> None:
        """Credentials and endpoint come from the environment (the provider chain), never from the configuration."""
        import s3fs

        self.url = url.rstrip("/")
        self._prefix = self.url.removeprefix("s3://")
        self._cache = cache / sha256_bytes(self.url.encode())[:16]
        self._fs: Any = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)

    def create(self, key: str, data: bytes) -> bool:
        """See `Store.create`."""
        try:
            self._fs.pipe_file(self._path(key), _not_empty(data), mode="create")
        except OSError as error:
            if not _is_refused_condition(error):
                raise
            return _equal_or_lost(self, key, data)
        return True

    def swap(self, key: str, expected: bytes | None, data: bytes) -> None:
        """See `Store.swap`."""
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": self._etag(key, expected)}
        try:
            self._fs.pipe_file(self._path(key), _not_empty(data), **condition)
        except OSError as error:
            if not _is_refused_condition(error) or self.read(key) == data:
                if _is_refused_condition(error):
                    return
                raise
            raise LostToOtherWriter(f"{key} was changed by another writer", where=self.url) from error

    def read(self, key: str) -> bytes:
        """See `Store.read`."""
        try:
            return bytes(self._fs.cat_file(self._path(key)))
        except FileNotFoundError as error:
            raise BadInput(
                f"{key} is not in the store", where=self.url, remedy="Run the build that makes it."
            ) from error

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        try:
            # Not isfile(), which takes every failure for an absence, a missing account too.
            return bool(self._fs.info(self._path(key))["type"] == "file")
        except FileNotFoundError:
            return False

    def keys(self, prefix: str) -> list[str]:
        """See `Store.keys`."""
        folder = self._path(prefix) if prefix else self._prefix
        cut = len(self._prefix) + 1
        return sorted(str(name)[cut:] for name in self._fs.find(folder))

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        if self.exists(key):
            self._fs.rm_file(self._path(key))

    def local_path(self, key: str) -> Path:
        """See `Store.local_path`; keys are content-addressed or create-only, so a copy never goes stale."""
        path = self._cache / _checked(key)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".staged-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(self.read(key))
            Path(name).replace(path)
        return path

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{_checked(key)}"

    def _etag(self, key: str, expected: bytes) -> str:
        try:
            etag = str(self._fs.info(self._path(key))["ETag"])
        except FileNotFoundError as error:
            raise LostToOtherWriter(f"{key} is gone", where=self.url) from error
        if self.read(key) != expected:
            raise LostToOtherWriter(f"{key} was changed by another writer", where=self.url)
        return etag


def _is_refused_condition(error: BaseException | None) -> bool:
    """Whether HTTP 412 (or 409: a concurrent conditional write) lies under this exception, whatever its type."""
    while error is not None:
        response = getattr(error, "response", None) or {}
        metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
        if isinstance(error, FileExistsError) or metadata.get("HTTPStatusCode") in (409, 412):
            return True
        error = error.__cause__ or error.__context__
    return False
