"""The sources there are.

Belongs: the one list of adapters, looking one up.
Does not belong: anything about a single source (its own module).
Rule: a new source is one module, one line here, one raw table and one dbt model (docs/sources.md).
"""

from __future__ import annotations

import difflib

from medreason.base.errors import BadConfiguration
from medreason.questions.sources import (
    casimedicos,
    cmexam,
    hle_biomed,
    huatuo_o1,
    medbullets,
    medcalc_bench,
    medmcqa,
    medqa,
    medqa_zh,
    medxpertqa,
    mmlu_medical,
    mmlu_pro_health,
    pubmedqa,
)
from medreason.questions.sources.protocol import Source, SourceEntry, role_of, split_role

_ALL: tuple[Source, ...] = (
    medqa.SOURCE,
    medmcqa.SOURCE,
    pubmedqa.SOURCE,
    mmlu_medical.SOURCE,
    medxpertqa.SOURCE,
    huatuo_o1.SOURCE,
    hle_biomed.SOURCE,
    medbullets.SOURCE,
    mmlu_pro_health.SOURCE,
    medcalc_bench.SOURCE,
    cmexam.SOURCE,
    medqa_zh.SOURCE,
    casimedicos.SOURCE,
)
SOURCES: dict[str, Source] = {source.name: source for source in _ALL}


def source_named(adapter: str, *, where: str = "sources") -> Source:
    """The source of an adapter's name.

    Raises: BadConfiguration that names the nearest right one.
    """
    if adapter not in SOURCES:
        near = difflib.get_close_matches(adapter, SOURCES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SOURCES)}"
        raise BadConfiguration(f"there is no adapter {adapter!r}, {hint}", where=where)
    return SOURCES[adapter]


def fitting_source(entry: SourceEntry, *, where: str) -> Source:
    """The source of an entry whose layout and language are that source's own.

    Raises: BadConfiguration.
    """
    source = source_named(entry.adapter, where=where)
    place = f"{where}: {entry.adapter} {entry.url.rpartition('@')[2]}"
    if entry.layout is not None and entry.layout not in source.layouts:
        near = difflib.get_close_matches(entry.layout, source.layouts, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise BadConfiguration(f"layout {entry.layout!r} is none of {', '.join(source.layouts)}{hint}", where=place)
    if source.language is not None and entry.language not in (None, source.language):
        raise BadConfiguration(f"this source's language is {source.language!r}, not {entry.language!r}", where=place)
    return source


def role_conflict(entry: SourceEntry) -> str | None:
    """What the card says where an entry's role is another than the split rule's; None where they agree."""
    source = source_named(entry.adapter)
    role, rule = role_of(source, entry), split_role(source, entry.split)
    if role == rule:
        return None
    return f"{entry.adapter}: split {entry.split!r} is {rule} by the source's split rule, {role} by the configuration"
