"""Time of grounding over the number of questions, and what the real ones reach of the graph.

Belongs: one pass over real questions and mixtures of them, or over made-up ones; the exponent of its time.
Does not belong: paths alone (paths.py), linking alone (linking.py), correctness (tests).
Rules: CPU seconds of this process; no question is asked twice. Beyond the real ones the stem of one goes with the
options of another: single texts repeat there, and caches by text help. Made-up questions (`--made-up`) name entities of
the graph in fixed words, each stem once, and so show growth without that help; they say nothing about real exams.

    python -m benchmarks.grounding --data ../shared/data --work var/real --questions 10000 20000 40000
    python -m benchmarks.grounding --data ../shared/data --work var/real --made-up --questions 10000 50000 200000
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.real_data import RealData, real_data
from medreason.base.store import open_store
from medreason.base.tables.grounding import LINKS, PATHS
from medreason.base.tables.questions import QUESTIONS
from medreason.chains.generation.generator import open_generator
from medreason.chains.generation.settings import EngineSettings
from medreason.chains.shards.grounding import GroundingTools, ground_shard
from medreason.graph.coverage import coverage
from medreason.graph.linking import Linker
from medreason.graph.paths import PathFinder
from medreason.pages.coverage import coverage_markdown

SHARD_ROWS = 1_000
_Row = dict[str, Any]


def main() -> None:
    """Parse, ground, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for tables that are made once")
    parser.add_argument("--questions", type=int, nargs="+", default=[10_000, 20_000, 40_000])
    parser.add_argument("--made-up", action="store_true", help="questions made of the graph's names, each stem once")
    given = parser.parse_args()
    data = real_data(given.data, given.work)
    with tempfile.TemporaryDirectory() as store:
        _run(data, sorted(given.questions), _tools(data, Path(store)), is_made_up=given.made_up)


def _tools(data: RealData, store: Path) -> GroundingTools:
    settings = data.config.grounding
    return GroundingTools(
        graph=data.graph,
        linker=Linker(data.nodes, data.lexicon, settings.linking),
        finder=PathFinder(data.graph, settings.paths.model_copy(update={"kernel": "numba"})),
        generator=open_generator(EngineSettings(), open_store(str(store)), folder=store),
        settings=settings,
    )


def _run(data: RealData, sizes: Sequence[int], tools: GroundingTools, *, is_made_up: bool) -> None:
    rows = [row for row in data.questions.to_pylist() if row["language"] == "en"]
    made = _made_up(rows[0], data.nodes) if is_made_up else _mixed(rows)
    links, paths = [LINKS.empty()], [PATHS.empty()]
    spent_s: list[float] = []
    wall_start, start = time.perf_counter(), time.process_time()
    for n_done, shard in _shards(made, sizes[-1]):
        grounded = ground_shard(shard, tools)
        if n_done <= len(rows) and not is_made_up:  # a mixture's reach says nothing
            links.append(grounded.links)
            paths.append(grounded.paths)
        if n_done in sizes:
            spent_s.append(time.process_time() - start)
            print(f"{n_done:,} questions: {spent_s[-1]:.1f} CPU s, {n_done / spent_s[-1]:.0f}/s", flush=True)
    print(f"wall: {time.perf_counter() - wall_start:.0f} s, {_exponents(sizes, spent_s)}\n")
    if not is_made_up:
        print(coverage_markdown(coverage(data.nodes, data.edges, pa.concat_tables(links), pa.concat_tables(paths))))


def _exponents(sizes: Sequence[int], spent_s: Sequence[float]) -> str:
    """Of all time, and of the time after the first size, in which everything was opened and compiled."""
    if len(sizes) < 3:
        return "no exponent of fewer than three sizes"
    span = f"{sizes[0]:,} to {sizes[-1]:,} questions"
    added = np.subtract(sizes[1:], sizes[0]), np.subtract(spent_s[1:], spent_s[0])
    of_all, of_added = (float(np.polyfit(np.log(x), np.log(y), 1)[0]) for x, y in ((sizes, spent_s), added))
    return f"exponent of time over {span}: {of_all:.3f}, of what is added to the first {sizes[0]:,}: {of_added:.3f}"


def _shards(made: Iterator[_Row], n_questions: int) -> Iterator[tuple[int, pa.Table]]:
    """Shards of the questions; with each the questions up to its end."""
    for start in range(0, n_questions, SHARD_ROWS):
        shard = [next(made) for _ in range(min(SHARD_ROWS, n_questions - start))]
        yield start + len(shard), QUESTIONS.from_rows(shard)


def _mixed(rows: Sequence[_Row]) -> Iterator[_Row]:
    """Every real question once, in an order of its own; then stems with the answers of other questions."""
    draw = random.Random(20_261_120)
    order = draw.sample(rows, len(rows))
    yield from order
    number = 0
    while True:
        one, other = draw.sample(rows, 2)
        number += 1
        yield {**other, "stem": one["stem"], "context": one["context"], "item_id": f"mixed:{number:016x}"}


def _made_up(like: _Row, nodes: pa.Table) -> Iterator[_Row]:
    """Two findings and the disease or drug that is the answer, all by name."""
    draw = random.Random(20_261_120)
    named: dict[str, list[str]] = {}
    for node_type, name in zip(*(nodes.column(one).to_pylist() for one in ("node_type", "node_name")), strict=True):
        named.setdefault(node_type, []).append(name)
    for number in itertools.count():
        one, other = draw.sample(named["effect/phenotype"], 2)
        kind = draw.choice(["disease", "drug"])
        yield {
            **like,
            **{"item_id": f"made:{number:016x}", "context": "", "options": [], "answer_letters": []},
            **{"answer_type": "free_text", "answer_text": draw.choice(named[kind])},
            "stem": f"Patient {number:,} has {one} and {other}. Which {kind} comes first?",
        }


if __name__ == "__main__":
    main()
