"""Bytes of a URL, whole and checked.

Belongs: opening local paths, s3://, hf://, https:// and members of zip files, unpacking gzip, limits on size.
Does not belong: parsing (decode.py), writing of any kind (base/store).
Rule: everything that can go wrong with a file as a whole is one `BadInput` here, before work starts.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from medreason.base.canonical import sha256_bytes
from medreason.base.errors import BadInput
from medreason.questions.sources.protocol import RawFile

MAX_FETCHED_BYTES = 1 << 30
"""Largest file; the largest public one (PubMedQA's artificial set) has about 0.53 GB."""
MAX_UNPACKED_BYTES = 2 << 30
MAX_RATIO = 100
"""Real question files shrink to a tenth to a quarter; beyond this, and beyond `RATIO_FROM_BYTES`, it is a bomb."""
RATIO_FROM_BYTES = 256 << 20

_SCHEMES = frozenset({"", "file", "s3", "hf", "https", "http"})
_WEB = frozenset({"http", "https"})
_CHUNK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


def shown_url(url: str) -> str:
    """A URL for messages and tables: without user, password, query and fragment, which may hold secrets."""
    member, _, archive = url.rpartition("::")
    if member:
        return f"{member}::{shown_url(archive)}"
    parts = urlsplit(url)
    if not parts.scheme:
        return url
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def fetch(url: str, *, max_bytes: int = MAX_FETCHED_BYTES, max_unpacked_bytes: int = MAX_UNPACKED_BYTES) -> RawFile:
    """The file behind a path or URL, unpacked where it is gzip.

    Raises: BadInput where it is missing, empty, too large, cannot be reached or is broken gzip.
    """
    place = shown_url(url)
    fetched = _read(url, place, max_bytes)
    if not fetched:
        raise BadInput("the file is empty", where=place)
    data = _unpacked(fetched, place, max_unpacked_bytes) if fetched[:2] == _GZIP_MAGIC else fetched
    return RawFile(url=place, sha256=sha256_bytes(fetched), data=data)


def file_sha256(url: str) -> str:
    """SHA-256 of the bytes behind a path or URL, read in chunks: graph files may be larger than question files.

    Raises: BadInput where it is missing or cannot be reached.
    """
    digest = hashlib.sha256()
    with _opened(url, shown_url(url)) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def seekable(url: str, stack: ExitStack) -> IO[bytes]:
    """The file behind a path or URL as it lies there, to be read from any place, open as long as the stack.

    What is not a local path is copied to a temporary file first: what a web server streams can be read once, and what
    fsspec opens elsewhere cannot read a line of limited length.
    Raises: BadInput where it is missing or cannot be reached.
    """
    place = shown_url(url)
    if "://" in url:
        copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        with _opened(url, place) as stream:
            shutil.copyfileobj(stream, copy, _CHUNK_BYTES)
        copy.seek(0)
        return copy
    try:
        return stack.enter_context(Path(url).open("rb"))
    except FileNotFoundError as error:
        raise BadInput("there is no such file", where=place) from error
    except OSError as error:
        raise BadInput(f"the file cannot be read ({type(error).__name__})", where=place) from error


def reachable(url: str) -> str | None:
    """Why the file behind a path or URL cannot be had, with its place; None where its first byte can be read."""
    place = shown_url(url)
    try:
        with _opened(url, place) as stream:
            is_empty = not stream.read(1)
    except BadInput as error:
        return f"{error.what} ({place})"
    return f"the file is empty ({place})" if is_empty else None


def _read(url: str, place: str, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    n_bytes = 0
    with _opened(url, place) as stream:
        # Until nothing comes: what a web server streams is read in part by a single call, however much it asks for.
        while chunk := stream.read(_CHUNK_BYTES):
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise BadInput(f"the file is larger than {max_bytes:,} bytes", where=place)
            chunks.append(chunk)
    return b"".join(chunks)


@contextmanager
def _opened(url: str, place: str) -> Iterator[Any]:
    import fsspec

    scheme = _scheme(url, place)
    try:
        with fsspec.open(url, mode="rb", **_options(scheme, is_member="::" in url)) as stream:
            yield stream
    except FileNotFoundError as error:
        # Over HTTP, fsspec says this also where no server answers.
        doubt = ", or its server does not answer" if scheme in _WEB else ""
        raise BadInput(f"there is no such file{doubt}", where=place) from error
    except _failures(scheme) as error:
        raise BadInput(f"the file cannot be read ({type(error).__name__})", where=place) from error


def _scheme(url: str, place: str) -> str:
    member, _, outer = url.rpartition("::")
    scheme = outer.partition("://")[0].lower() if "://" in outer else ""
    # Of the chains that fsspec knows, a member of an archive is the one that writes nothing.
    is_plain = not member or (member.startswith("zip://") and "::" not in member)
    if not is_plain or scheme not in _SCHEMES:
        known = ", ".join(sorted(f"{name}://" for name in _SCHEMES if name))
        raise BadInput("no such kind of URL", where=place, remedy=f"Use a local path, {known}, or zip://MEMBER::URL.")
    return scheme


def _options(scheme: str, *, is_member: bool) -> dict[str, Any]:
    # s3fs and hf keep listings and connections for the process; a run must see what is there now.
    own = {"skip_instance_cache": True} if scheme in {"s3", "hf"} else {}
    return {scheme: own} if own and is_member else own


def _failures(scheme: str) -> tuple[type[BaseException], ...]:
    """What a file system raises when it cannot read; each library is imported where its scheme is used."""
    plain: tuple[type[BaseException], ...] = (OSError, ValueError, ImportError, zipfile.BadZipFile, zlib.error)
    if scheme in _WEB:
        import aiohttp

        return (*plain, aiohttp.ClientError, TimeoutError)
    if scheme == "s3":
        from botocore.exceptions import BotoCoreError, ClientError

        return (*plain, BotoCoreError, ClientError)
    if scheme == "hf":
        from huggingface_hub.errors import HfHubHTTPError

        # The hub's HTTP client has another name in each major release; its error is a base of the hub's own.
        return (*plain, *HfHubHTTPError.__bases__)
    return plain


def _unpacked(packed: bytes, place: str, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    n_bytes = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                n_bytes += len(chunk)
                _refuse_bomb(n_bytes, len(packed), place, max_bytes)
                chunks.append(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput("the gzip file is corrupt or cut short", where=place) from error
    return b"".join(chunks)


def _refuse_bomb(n_bytes: int, n_packed: int, place: str, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise BadInput(f"the file unpacks to more than {max_bytes:,} bytes", where=place)
    if n_bytes > RATIO_FROM_BYTES and n_bytes > MAX_RATIO * n_packed:
        raise BadInput(f"the file unpacks to more than {MAX_RATIO} times its size", where=place)
