"""Questions without a path, for the report: what was found in each, and why it has none.

Belongs: which of them may be shown, and their rows as JSON values.
Does not belong: how they look (medreason/pages).
Rule: only texts that their publisher lets pass on; no gold rationale; a few, whatever the size of the release.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from medreason.pages.grounded import GroundedQuestion, sample_questions
from medreason.releases.arrow import rows_where, values
from medreason.releases.values import ReleaseInputs

N_SHOWN = 4


def ungrounded(inputs: ReleaseInputs, curated: pa.Table) -> list[dict[str, Any]]:
    """Some curated questions that ended in grounding, one for each reason, as `GroundedQuestion` has them."""
    shown = rows_where(curated, "source", {source.source for source in inputs.sources if source.is_redistributable})
    tables = {
        "questions": shown,
        "mentions": inputs.mentions,
        "links": inputs.links,
        "paths": inputs.paths,
        "outcomes": rows_where(inputs.outcomes, "item_id", set(values(shown, "item_id"))),
    }
    return [_json_of(one) for one in sample_questions(tables, n_with_paths=0, n_without=N_SHOWN)]


def _json_of(one: GroundedQuestion) -> dict[str, Any]:
    return {**one.as_json(), "question": {**one.question, "gold_rationale": ""}}
