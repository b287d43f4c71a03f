"""What a source is: the types that every adapter gives and takes.

Belongs: `Source`, the entry of the configuration, a fetched file, a record, licence and egress rule, split rule.
Does not belong: opening URLs (fetch.py), parsing (decode.py), which columns a layout has (one module per adapter).
Rule: an adapter decodes into its source's own columns; what they mean is dbt's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

from pydantic import Field as Setting

from medreason.base.config import StrictModel
from medreason.base.reasons import Reason
from medreason.base.tables.registry import Table

Role = Literal["train", "benchmark"]


class Egress(StrEnum):
    """Where a source's text may be sent."""

    ANY = "any"
    PRIVATE = "private"
    """Loopback and endpoints that the configuration declares private."""
    LOCAL_ONLY = "local-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Terms of a source, as its publisher states them."""

    spdx_id: str
    """SPDX identifier, or NOASSERTION where the publisher states none."""
    name: str
    url: str
    redistribution: bool
    """False where rows may not be passed on: the licence is silent, or the authors ask not to spread them."""


_SHOWN_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,63}$"
"""A name that stands in every row, table and page of a release."""


class SourceEntry(StrictModel):
    """One element of `sources:` in the configuration."""

    adapter: str
    url: str = Setting(min_length=1)
    split: str = Setting(default="train", pattern=_SHOWN_NAME)
    role: Role | None = None
    layout: str | None = None
    dataset_name: str | None = Setting(default=None, pattern=_SHOWN_NAME)
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """A source file in memory."""

    url: str
    """Without credentials and query: it ends up in messages."""
    sha256: str
    """Of the bytes as fetched (compressed where the file is)."""
    data: bytes
    """Decompressed content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a record cannot be used."""

    reason: Reason
    detail: str
    """Field and expectation, never the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One record as its container holds it."""

    locator: str
    """line:12, row:5, key:10808977, case:3."""
    sha256: str
    """Of the RFC 8785 form, or of the bytes where there is none."""
    value: dict[str, Any] | None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record in its source's own columns, or the fault that it has."""

    locator: str
    sha256: str
    raw_record_id: str
    columns: dict[str, Any]
    """Empty where there is a fault."""
    fault: Fault | None = None


class Source(Protocol):
    """One adapter: a frozen object."""

    @property
    def name(self) -> str:
        """Name in the configuration; also the `source` column."""

    @property
    def licence(self) -> Licence:
        """Terms as the publisher states them."""

    @property
    def egress(self) -> Egress:
        """Where its text may be sent."""

    @property
    def language(self) -> str | None:
        """ISO 639-1 code, or None where the file says it."""

    @property
    def default_role(self) -> Role:
        """Role of a split that `benchmark_splits` does not name."""

    @property
    def benchmark_splits(self) -> frozenset[str]:
        """Splits that are benchmarks."""

    @property
    def layouts(self) -> tuple[str, ...]:
        """Names of its layouts."""

    @property
    def id_rule(self) -> str:
        """What `raw_record_id` is, in words."""

    @property
    def table(self) -> Table:
        """Its raw table."""

    def dataset_name(self, file_name: str) -> str:
        """MedReason's spelling of the set; some files name the set they belong to."""

    def detect_layout(self, file: RawFile, entry: SourceEntry) -> str:
        """The layout of a file, known with certainty.

        Raises: BadInput where it is none of the adapter's, or two are possible.
        """

    def records(self, file: RawFile, layout: str, entry: SourceEntry) -> Iterator[Record]:
        """Every record of the file, in its order.

        Raises: BadInput where the file as a whole cannot be read.
        """


def split_role(source: Source, split: str) -> Role:
    """What the split rule says: benchmark splits are benchmarks, others have the source's default role."""
    return "benchmark" if split in source.benchmark_splits else source.default_role


def role_of(source: Source, entry: SourceEntry) -> Role:
    """The role an entry has: its own, else the split rule's."""
    return entry.role or split_role(source, entry.split)
