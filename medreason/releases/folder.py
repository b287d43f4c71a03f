"""A published release as a folder of bytes, wherever it lies, and finding one by what people type.

Belongs: reading names and files of a release on a local folder or S3, the place of releases and versions under a root.
Does not belong: what the files mean (verify.py, lineage.py), writing (publish.py).
Rule: nothing here writes, and a local folder is read without any network.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from medreason.base.errors import BadConfiguration, CorruptRelease
from medreason.base.store import Store, failures_of, open_store
from medreason.releases.manifest import Manifest

HEX64 = re.compile(r"[0-9a-f]{64}")
_STAGED = ".staged-"
"""What a writer that was killed leaves behind in a local store; it was never part of a release."""


class Folder(Protocol):
    """A release's files by name, `/`-separated."""

    @property
    def url(self) -> str:
        """Where it lies."""

    def names(self) -> list[str]:
        """Every file, sorted."""

    def read(self, name: str) -> bytes:
        """Raises: CorruptRelease where there is no such file."""

    def local_path(self, name: str) -> Path:
        """A local file with these bytes, for DuckDB."""


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder on this machine, published there or copied from elsewhere."""

    root: Path

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self.root)

    def names(self) -> list[str]:
        """See `Folder.names`; links to elsewhere count as files and then fail their hash."""
        files = (path for path in self.root.rglob("*") if not path.is_dir() and not path.name.startswith(_STAGED))
        return sorted(path.relative_to(self.root).as_posix() for path in files)

    def read(self, name: str) -> bytes:
        """See `Folder.read`."""
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise CorruptRelease(f"{name} cannot be read: {error.strerror}", where=self.url) from error

    def local_path(self, name: str) -> Path:
        """See `Folder.local_path`."""
        return self.root / name


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder in a store."""

    store: Store

    @property
    def url(self) -> str:
        """The folder's URL."""
        return self.store.url

    def names(self) -> list[str]:
        """See `Folder.names`."""
        return self.store.keys("")

    def read(self, name: str) -> bytes:
        """See `Folder.read`."""
        if not self.store.exists(name):
            raise CorruptRelease(f"{name} is missing", where=self.url)
        return self.store.read(name)

    def local_path(self, name: str) -> Path:
        """See `Folder.local_path`."""
        return self.store.local_path(name)


def open_folder(url: str) -> Folder:
    """The folder of a release.

    Raises: BadConfiguration where there is none.
    """
    if url.startswith("s3://"):
        return RemoteFolder(_reached(url))
    root = Path(url).expanduser()
    if "://" in url or not root.is_dir():
        raise BadConfiguration(
            f"there is no release at {url}", remedy="Give its folder, s3:// URL, or DATASET/VERSION."
        )
    return LocalFolder(root.resolve())


def _reached(url: str) -> Store:
    store = open_store(url)
    try:
        store.exists("manifest.json")
    except failures_of(url) as error:
        raise BadConfiguration(
            f"the release cannot be reached ({type(error).__name__})",
            where=url,
            remedy="Check the address, and account and endpoint in AWS_* variables.",
        ) from error
    return store


# ---------------------------------------------------------------- places under a root


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """What a version names. Written once, after all that it names is there and verified."""

    dataset: str
    version: str
    release_id: str
    manifest_sha256: str
    build_id: str

    def as_json(self) -> dict[str, Any]:
        """The record's file."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def order(self) -> tuple[int, ...]:
        """Calendar versions by date, then by number within the day."""
        return version_order(self.version)


def version_order(version: str) -> tuple[int, ...]:
    """Sorting key of a calendar version.

    >>> version_order("2026.11.9") < version_order("2026.11.20") < version_order("2026.11.20.1")
    True
    """
    return tuple(int(part) for part in version.split("."))


def release_key(dataset: str, release_id: str) -> str:
    """Place of a release under a root."""
    return f"releases/{dataset}/{release_id}"


def version_key(dataset: str, version: str) -> str:
    """Place of a version record under a root."""
    return f"versions/{dataset}/{version}.json"


def versions(store: Store, dataset: str = "") -> list[VersionRecord]:
    """Version records of one or all data sets, oldest first."""
    keys = store.keys(f"versions/{dataset}" if dataset else "versions")
    records = [VersionRecord(**json.loads(store.read(key))) for key in keys]
    return sorted(records, key=lambda record: (record.order, record.dataset))


def find_release(what: str, *, root: str) -> str:
    """URL of the release that is meant: a folder, an s3:// URL, or DATASET[/VERSION or /RELEASE_ID] under the root.

    An empty `what` means the newest version under the root.
    Raises: BadConfiguration where nothing or more than one data set fits.
    """
    if "://" in what or (what and Path(what).expanduser().is_dir()):
        return what
    dataset, _, name = what.strip("/").partition("/")
    store = _existing_root(root)
    if HEX64.fullmatch(name):
        return f"{store.url}/{release_key(dataset, name)}"
    found = [record for record in versions(store, dataset) if name in ("", record.version)]
    if not found or (not dataset and len({record.dataset for record in found}) > 1):
        raise BadConfiguration(
            f"no single release fits {what!r} under {root}",
            remedy=f"Name one of: {_known(versions(store)) or 'nothing was published there yet'}.",
        )
    return f"{store.url}/{release_key(found[-1].dataset, found[-1].release_id)}"


def _existing_root(root: str) -> Store:
    if "://" not in root and not Path(root).expanduser().is_dir():
        raise BadConfiguration(f"there is no root at {root}", remedy="Give --root, or the folder of a release.")
    return open_store(root)


def _known(records: list[VersionRecord]) -> str:
    return ", ".join(f"{record.dataset}/{record.version}" for record in records[-5:])


def root_of_release(url: str, manifest: Manifest) -> str:
    """The root that a release lies under, where its build records are.

    Raises: BadConfiguration where it does not lie under a root: a copied folder has no build records beside it.
    """
    place = "/" + release_key(manifest.dataset, manifest.release_id)
    full = open_folder(url).url.rstrip("/")
    if not full.endswith(place):
        raise BadConfiguration(
            f"{url} does not lie under a root", remedy="Verify the signature where the release was published."
        )
    return full.removesuffix(place)
