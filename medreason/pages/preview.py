"""Short previews of tables for the metadata of assets: Markdown and drawings as images.

Belongs: five rows, reasons, one chain, a drawing as a data address.
Does not belong: whole pages (report.py, gates.py), when a preview is made (assets).
Rule: text is hostile here too: it can make no table cell, link, image or markup of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from medreason.base.reasons import Reason
from medreason.pages.funnel import draw_funnel
from medreason.pages.markdown import image, markdown_table, markdown_text
from medreason.pages.path_drawing import draw_paths, hop_words
from medreason.pages.texts import count, counted, share, words

N_ROWS = 5
_MAX_CHAIN_CHARACTERS = 600
_REASONS = {reason.value: reason for reason in Reason}


def rows_markdown(data: pa.Table, columns: Sequence[str] = (), *, n_rows: int = N_ROWS) -> str:
    """The first rows as a Markdown table; nested values are told by their length."""
    names = list(columns) or data.column_names[:6]
    rows = data.select(names).slice(0, n_rows).to_pylist()
    cells = [[_cell(row[name]) for name in names] for row in rows]
    more = f"\n\n{counted(data.num_rows - len(rows), 'more row')}" if data.num_rows > len(rows) else ""
    return markdown_table([words(name) for name in names], cells) + more


def reasons_markdown(reasons: Mapping[str, int]) -> str:
    """Reasons with their stages and counts, most first."""
    n_all = sum(reasons.values())
    cells = [
        [
            _REASONS[reason].stage.value if reason in _REASONS else "",
            words(reason),
            count(n),
            markdown_text(share(n, n_all)),
        ]
        for reason, n in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return markdown_table(["stage", "reason", "records", "share"], cells) if cells else "nothing was quarantined"


def chain_markdown(chain: Mapping[str, Any]) -> str:
    """One row of `chains`: paths, steps with the number of edges they cite, conclusion."""
    if chain["outcome"] != "ok":
        return f"{chain['outcome']}: {markdown_text(words(chain['reason']))}"
    findings = [f"- {markdown_text(finding, _MAX_CHAIN_CHARACTERS)}" for finding in chain["findings"]]
    steps = [f"{n}. {_step(step)}" for n, step in enumerate(chain["steps"], start=1)]
    conclusion = f"**{markdown_text(chain['conclusion'], _MAX_CHAIN_CHARACTERS)}**"
    title = f"{markdown_text(chain['item_id'])}, written by {markdown_text(chain['engine_kind'])}"
    return "\n\n".join([title, "\n".join(findings), "\n".join(steps), conclusion])


def path_markdown(paths: Sequence[Mapping[str, Any]]) -> str:
    """Paths of one question as an image with their statements below."""
    told = [f"- {markdown_text('; '.join(hop_words(path)), _MAX_CHAIN_CHARACTERS)}" for path in paths]
    return "\n\n".join([image(draw_paths(paths), "paths"), "\n".join(told)])


def funnel_markdown(counts: Mapping[str, int], reasons: Mapping[str, int]) -> str:
    """The funnel as an image, with the reasons as a table below."""
    return "\n\n".join([image(draw_funnel(counts, reasons), "funnel"), reasons_markdown(reasons)])


def _step(step: Mapping[str, Any]) -> str:
    n_edges = len(step["edge_ids"])
    cited = counted(n_edges, "edge") if n_edges else "no edge"
    return f"{markdown_text(step['text'], _MAX_CHAIN_CHARACTERS)} \\({cited}\\)"


def _cell(value: Any) -> str:
    if isinstance(value, list | dict):
        return counted(len(value), "value")
    return markdown_text(str(value)) if value is not None else ""
