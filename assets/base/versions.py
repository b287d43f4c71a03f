"""Code versions: a hash over the source text that an asset's outcome rests on.

Belongs: hashing of modules and folders of the checkout.
Does not belong: versions of libraries (they are pinned; the release does not depend on them).
Rule: a version names the rooms it covers, so that a change elsewhere does not make an asset look stale.
"""

from __future__ import annotations

import functools
from pathlib import Path

from medreason.base.canonical import sha256_bytes

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root of the checkout; assets never run from a wheel."""

BASE = ("medreason/base",)
SOURCES = (*BASE, "medreason/questions/sources")
NORMALISATION = (
    *BASE,
    "dbt_project",
    "assets/normalisation.py",
    "assets/base/dbt_project.py",
    "assets/base/column_lineage.py",
)
"""Of the asset's own modules too: they decide what its memo holds."""
CURATION = (*BASE, "medreason/questions/curation", "medreason/questions/quarantine.py")
GRAPH_FILES = (*SOURCES, "medreason/graph/knowledge", "medreason/graph/linking")
"""Of sources: how files are fetched; of linking: how names are compared, which decides what the lexicon holds."""
GROUNDING = (*BASE, "medreason/graph", "medreason/chains")
CHAINS = GROUNDING
RELEASE = (
    *BASE,
    *("medreason/questions", "medreason/graph/knowledge", "medreason/chains", "medreason/releases", "medreason/pages"),
)
"""What a release keeps and says follows from the policy, the tasks' templates and curation too."""

_NO_SOURCE = {"__pycache__", "target", "logs", "dbt_packages"}
"""What Python and dbt leave behind where they run."""


@functools.cache
def code_version(*rooms: str) -> str:
    """16 hex over the names and contents of all source files below these folders or files of the checkout."""
    parts = []
    for file in sorted(_files(rooms)):
        parts.append(f"{file.relative_to(CHECKOUT).as_posix()} {sha256_bytes(file.read_bytes())}")
    return sha256_bytes("\n".join(parts).encode())[:16]


def _files(rooms: tuple[str, ...]) -> set[Path]:
    found: set[Path] = set()
    for room in rooms:
        place = CHECKOUT / room
        if not place.exists():
            msg = f"no such room: {room}"
            raise ValueError(msg)
        found |= {place} if place.is_file() else {f for f in place.rglob("*") if _is_source(f)}
    return found


def _is_source(file: Path) -> bool:
    """Word lists and templates count as much as programs."""
    return file.is_file() and not file.name.startswith(".") and not _NO_SOURCE & set(file.parts)
