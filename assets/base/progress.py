"""How far a step's shards and requests are, on the terminal and in Dagster.

Belongs: telling both, how often.
Does not belong: counting (medreason/chains/generation/progress.py), bars (orchestration/bars.py).
Rule: the terminal hears of everything, Dagster of what a person would look at: one observation every ten seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import dagster as dg

from medreason.base.progress import reporter

if TYPE_CHECKING:
    from medreason.chains.jobs import Kind

_OBSERVE_EVERY_S = 10.0
LABELS = {"ground": "grounding", "generate": "writing chains", "verify": "verifying"}
OBSERVED = {
    "ground": dg.AssetKey(["grounding", "outcomes"]),
    "generate": dg.AssetKey(["chains", "chains"]),
    "verify": dg.AssetKey(["verification", "verdicts"]),
}
"""The asset whose metadata says what the step asked, by kind of job."""


class StepProgress:
    """Of one step; a context manager. `tell` may be called from any thread."""

    def __init__(self, context: dg.AssetExecutionContext, kind: Kind, n_shards: int) -> None:
        """The bar begins with the `with` block."""
        # Kept here, since another thread would find the silent reporter.
        self._context, self._reporter = context, reporter()
        self._label, self._observed, self._n_shards = LABELS[kind], OBSERVED[kind], n_shards
        self._n_shown, self._observed_at_s = 0, time.monotonic()

    def __enter__(self) -> StepProgress:
        """Begin."""
        self._reporter.begin(self._label, self._n_shards)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._reporter.end(self._label)

    def tell(self, progress: Mapping[str, Any]) -> None:
        """Show a `JobProgress` in its JSON form."""
        from medreason.chains.generation.progress import JobProgress

        seen = JobProgress.from_json(progress)
        self._reporter.advance(self._label, max(0, seen.n_shards_done - self._n_shown))
        self._n_shown = max(self._n_shown, seen.n_shards_done)
        if seen.requests is not None:
            self._reporter.note(self._label, seen.line())
        if time.monotonic() - self._observed_at_s >= _OBSERVE_EVERY_S:
            self._observed_at_s = time.monotonic()
            self._context.log.info(f"{self._label}: {seen.line()}")
            self._context.log_event(dg.AssetObservation(asset_key=self._observed, metadata=seen.shown()))
