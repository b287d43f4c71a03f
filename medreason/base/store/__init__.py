"""The store: the only place that opens a URL for writing.

Belongs: create-only writes, compare-and-swap, staging, tables and memos; the same on a local folder and on S3.
Does not belong: what the files mean (releases/), reading of source files (questions/sources).
Rule: bytes are complete and hashed before any name shows them; a name is written once.
"""

from typing import TYPE_CHECKING, Any

from medreason.base.store.backends import Store, failures_of, open_store, require_writable
from medreason.base.store.memo import Memo

if TYPE_CHECKING:
    from medreason.base.store.tables import TableRef, read_table, write_table

__all__ = ["Memo", "Store", "TableRef", "failures_of", "open_store", "read_table", "require_writable", "write_table"]


def __getattr__(name: str) -> Any:
    """Tables on first use: a client that stores bytes alone starts without Arrow, whose import costs 1,000 requests."""
    if name not in __all__:
        raise AttributeError(name)
    from medreason.base.store import tables

    return getattr(tables, name)
