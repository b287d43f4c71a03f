"""The report of a release: one page for whoever decides whether to use it.

Belongs: what the page is made from, which rows are sampled, how they are prepared for the template.
Does not belong: the layout (templates/report.html), drawings (funnel.py, path_drawing.py), counting (releases).
Rule: samples are drawn by the hash of item ids, so the same release shows the same rows; the page stays below
`MAX_PAGE_BYTES`, with fewer samples where texts are long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import pyarrow as pa
from markupsafe import Markup

from medreason.base.canonical import joined_sha256
from medreason.base.tables.grounding import COVERAGE
from medreason.pages.coverage import coverage_of
from medreason.pages.funnel import STAGES, draw_funnel, paired_bars, small_bar
from medreason.pages.gates import ShownGate, shown_gate
from medreason.pages.grounded import GroundedQuestion, LinkedMention, linked_mentions, mentions_of_lineage
from medreason.pages.html import render_page
from medreason.pages.mentions import highlight, spans_of_lineage
from medreason.pages.path_drawing import draw_paths, edge_words, legend
from medreason.pages.texts import cut, share

MAX_PAGE_BYTES = 1_500_000
N_SAMPLED_ROWS = 20
N_SAMPLED_QUARANTINE = 10
_MAX_TEXT_CHARACTERS = 6_000
_MAX_STEPS = 24
_MAX_CITED = 8
_CHECK_NAMES = {"step_support": "Step support", "re_answer": "Masked re-answer"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who wrote how many of the released rows."""

    engine_kind: str
    model_id: str
    model_revision: str
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckShare:
    """How often one check passed, with the row's own findings and with another question's."""

    check: str
    n: int
    n_passed: int
    n_control: int
    n_control_passed: int

    @property
    def is_telling(self) -> bool:
        """Own findings pass more often than foreign ones; equal shares say that the check sees nothing."""
        return self.n_passed * self.n_control > self.n_control_passed * self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGraph:
    """The graph that links, paths and edges are of."""

    layout: str
    file_name: str
    graph_sha256: str
    n_nodes: int
    n_edges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInputs:
    """What a report is made from."""

    dataset: str
    release_id: str
    counts: Mapping[str, int]
    """Raw records of training sources by stage, `raw` .. `released`, and `benchmark`, `quarantined`."""
    funnel: Mapping[str, Mapping[str, int]]
    """The same by `dataset_name`."""
    quarantine_reasons: Mapping[str, int]
    keep_rules: Sequence[str]
    writers: Sequence[Writer]
    checks: Sequence[CheckShare]
    graph: ShownGraph
    gates: Sequence[Mapping[str, Any]]
    """Stored results, as the gates' runner gave them."""
    rows: pa.Table
    """`release_rows`."""
    lineage: pa.Table
    """`release_lineage`."""
    paths: pa.Table
    """`release_paths`."""
    quarantine: pa.Table
    sources: pa.Table
    """`release_sources`."""
    coverage: pa.Table = field(default_factory=COVERAGE.empty)
    """`graph_coverage`: what all questions of the build reach, released or not."""
    ungrounded: Sequence[GroundedQuestion] = ()
    """Some questions that have no path, which may be shown."""
    stems: Mapping[str, str] = field(default_factory=dict)
    """Texts of quarantined questions by item id, where they may be shown; a release does not hold them."""

    @property
    def is_rule_made(self) -> bool:
        """At least one released row was written by rules."""
        return any(writer.engine_kind == "rule" for writer in self.writers)


class CandidateLike(Protocol):
    """What a release in memory has (medreason/releases/values.py `Candidate`, which stands above this wing)."""

    @property
    def dataset(self) -> str: ...
    @property
    def release_id(self) -> str: ...
    @property
    def tables(self) -> Mapping[str, pa.Table]: ...
    @property
    def counts(self) -> Any: ...
    @property
    def funnel(self) -> Mapping[str, Any]: ...
    @property
    def quarantine_reasons(self) -> Mapping[str, int]: ...
    @property
    def keep_rules(self) -> Sequence[str]: ...
    @property
    def generators(self) -> Sequence[Any]: ...
    @property
    def tallies(self) -> Sequence[Any]: ...
    @property
    def graph(self) -> Any: ...
    @property
    def ungrounded(self) -> Sequence[Mapping[str, Any]]: ...


def inputs_of(candidate: CandidateLike, gates: Sequence[Mapping[str, Any]]) -> ReportInputs:
    """A report's inputs from a release in memory and the stored results of its gates."""
    graph, tables = candidate.graph, candidate.tables
    return ReportInputs(
        dataset=candidate.dataset,
        release_id=candidate.release_id,
        counts=candidate.counts.as_json(),
        funnel={name: counts.as_json() for name, counts in candidate.funnel.items()},
        quarantine_reasons=candidate.quarantine_reasons,
        keep_rules=candidate.keep_rules,
        writers=[Writer(**{name: getattr(by, name) for name in _WRITER}) for by in candidate.generators],
        checks=[CheckShare(**{name: getattr(tally, name) for name in _CHECK}) for tally in candidate.tallies],
        graph=ShownGraph(**{name: getattr(graph, name) for name in _GRAPH}),
        gates=gates,
        rows=tables["rows"],
        lineage=tables["lineage"],
        paths=tables["paths"],
        quarantine=tables["quarantine"],
        sources=tables["sources"],
        coverage=tables["coverage"],
        ungrounded=[GroundedQuestion(**one) for one in candidate.ungrounded],
    )


_WRITER, _CHECK, _GRAPH = (tuple(part.name for part in fields(kind)) for kind in (Writer, CheckShare, ShownGraph))


def render(inputs: ReportInputs) -> str:
    """The report as one self-contained page below MAX_PAGE_BYTES.

    Raises: ValueError where the page is too large even without samples.
    """
    n_rows = N_SAMPLED_ROWS
    while True:
        page = _render(inputs, n_rows)
        if len(page.encode("utf-8")) <= MAX_PAGE_BYTES:
            return page
        if n_rows == 0:
            msg = f"a report of {len(page)} characters without samples: {len(inputs.sources)} sources"
            raise ValueError(msg)
        n_rows //= 2


def _render(inputs: ReportInputs, n_rows: int) -> str:
    samples = _sampled_rows(inputs, n_rows)
    return render_page(
        "report.html",
        inputs=inputs,
        facts=_facts(inputs),
        stages=[name for name, _ in STAGES],
        funnel=draw_funnel(inputs.counts, inputs.quarantine_reasons),
        datasets=_datasets(inputs),
        reasons=inputs.quarantine_reasons,
        check_names=_CHECK_NAMES,
        checks=[(check, _check_bars(check)) for check in inputs.checks],
        gates=_gates(inputs),
        sources=inputs.sources.to_pylist(),
        samples=samples,
        legend=legend(_node_types(samples)),
        quarantined=_sampled_quarantine(inputs),
        coverage=coverage_of(inputs.coverage),
        reach_bar=_reach_bar,
        ungrounded=[_shown_ungrounded(one) for one in inputs.ungrounded],
    )


# ---------------------------------------------------------------- overview


def _facts(inputs: ReportInputs) -> list[tuple[int, str]]:
    counts = inputs.counts
    return [
        (counts["released"], f"released rows, {share(counts['released'], counts['raw'])} of the records"),
        (counts["raw"], "records of training sources"),
        (counts["quarantined"], "quarantined, each with one reason"),
        (counts["benchmark"], "benchmark records, kept out"),
        (inputs.graph.n_nodes, "nodes of the graph"),
        (inputs.graph.n_edges, "edges of the graph"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDataset:
    """One line of the funnel per data set."""

    name: str
    counts: Mapping[str, int]
    bar: Markup
    main_reason: str
    n_main_reason: int


def _datasets(inputs: ReportInputs) -> list[ShownDataset]:
    reasons: dict[str, Counter[str]] = {}
    for row in inputs.quarantine.select(["dataset_name", "role", "reason"]).to_pylist():
        if row["role"] == "train":
            reasons.setdefault(row["dataset_name"], Counter())[row["reason"]] += 1
    in_order = sorted(inputs.funnel.items(), key=lambda item: (item[0].casefold(), item[0]))
    return [_dataset(name, counts, reasons.get(name, Counter())) for name, counts in in_order]


def _dataset(name: str, counts: Mapping[str, int], reasons: Counter[str]) -> ShownDataset:
    main = min(reasons, key=lambda reason: (-reasons[reason], reason), default="")
    label = f"{name}: {share(counts['released'], counts['raw'])} released"
    return ShownDataset(
        name=name,
        counts=counts,
        bar=small_bar(counts["released"], counts["raw"], label=label),
        main_reason=main,
        n_main_reason=reasons[main] if main else 0,
    )


def _check_bars(check: CheckShare) -> Markup:
    return paired_bars(
        [
            ("with its own findings", check.n_passed, check.n),
            ("with another question's", check.n_control_passed, check.n_control),
        ]
    )


def _reach_bar(n_reached: int, n_all: int) -> Markup:
    return small_bar(n_reached, n_all, label=f"{share(n_reached, n_all)} reached")


def _gates(inputs: ReportInputs) -> list[ShownGate]:
    return [shown_gate(result) for result in inputs.gates]


# ---------------------------------------------------------------- sampled rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOption:
    """One line of the options, its mentions marked."""

    text: Markup
    n_characters: int
    is_gold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """One step and the edges it cites, in words."""

    text: str
    edges: tuple[str, ...]
    n_more_edges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One released row, ready for the template."""

    row: Row
    question: Markup
    options: tuple[ShownOption, ...]
    steps: tuple[ShownStep, ...]
    n_more_steps: int
    drawing: Markup
    node_types: frozenset[str]
    lineage: Row
    links: tuple[LinkedMention, ...]

    @property
    def has_many_short_options(self) -> bool:
        """They fit into two columns."""
        return len(self.options) > 5 and all(option.n_characters <= 48 for option in self.options)


def _sampled_rows(inputs: ReportInputs, n_rows: int) -> list[ShownRow]:
    rows = _drawn(inputs.rows, "row", n_rows)
    item_ids = {row["item_id"] for row in rows}
    paths: dict[str, list[Row]] = {}
    for path in _of_items(inputs.paths, item_ids):
        paths.setdefault(path["item_id"], []).append(path)
    lineage = {row["item_id"]: row for row in _of_items(inputs.lineage, item_ids)}
    return [_shown_row(row, paths.get(row["item_id"], []), lineage[row["item_id"]]) for row in rows]


def _drawn(table: pa.Table, purpose: str, n_rows: int) -> list[Row]:
    """So many rows by the hash of their item ids: chance that is the same everywhere."""
    ids = [str(item_id) for item_id in table["item_id"].to_pylist()]
    order = sorted(range(len(ids)), key=lambda n: joined_sha256((purpose, ids[n])))[:n_rows]
    drawn: list[Row] = table.take(pa.array(order, pa.int64())).to_pylist()
    return drawn


def _of_items(table: pa.Table, item_ids: set[str]) -> list[Row]:
    import pyarrow.compute as pc

    found: list[Row] = table.filter(pc.is_in(table["item_id"], pa.array(sorted(item_ids), pa.string()))).to_pylist()
    return found


def _shown_row(row: Row, paths: Sequence[Row], lineage: Row) -> ShownRow:
    question = cut(row["question"], _MAX_TEXT_CHARACTERS)
    spans = spans_of_lineage(question, lineage["links"], fields=("context", "stem"))
    by_id = _edges_by_id(paths)
    return ShownRow(
        row=row,
        question=highlight(question, spans),
        options=tuple(_options(row, lineage["links"])),
        steps=tuple(_shown_step(step, by_id) for step in row["steps"][:_MAX_STEPS]),
        n_more_steps=max(0, len(row["steps"]) - _MAX_STEPS),
        drawing=draw_paths(_in_order(paths, lineage["path_ids"])),
        node_types=frozenset(node["node_type"] for path in paths for node in path["nodes"]),
        lineage=lineage,
        links=mentions_of_lineage(lineage["links"]),
    )


def _options(row: Row, links: Sequence[Row]) -> Iterator[ShownOption]:
    gold = set(row["answer_letters"])
    for line in row["options"].split("\n") if row["options"] else []:
        text, is_gold = cut(line, _MAX_TEXT_CHARACTERS), line.partition(". ")[0] in gold
        # Lineage keeps no letters: a name is looked for among the links of the side that the option is on.
        near = [link for link in links if (link["side"] == "answer") is is_gold]
        marked = highlight(text, spans_of_lineage(text, near, fields=("option", "answer")))
        yield ShownOption(text=marked, n_characters=len(text), is_gold=is_gold)


def _shown_step(step: Row, by_id: Mapping[str, str]) -> ShownStep:
    edges = tuple(by_id.get(edge_id, edge_id) for edge_id in step["edge_ids"])
    return ShownStep(
        text=cut(step["text"], _MAX_TEXT_CHARACTERS),
        edges=edges[:_MAX_CITED],
        n_more_edges=max(0, len(edges) - _MAX_CITED),
    )


def _edges_by_id(paths: Iterable[Row]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        for one, other, hop in zip(path["nodes"], path["nodes"][1:], path["hops"], strict=False):
            found |= {edge["edge_id"]: edge_words(edge, one, other) for edge in hop}
    return found


def _in_order(paths: Sequence[Row], path_ids: Sequence[str]) -> list[Row]:
    """As the writer was shown them; each path once, though several views may have found it."""
    shown = {path_id: place for place, path_id in enumerate(path_ids)}
    ordered = sorted(paths, key=lambda path: (shown.get(path["path_id"], len(shown)), path["path_no"]))
    return list({(path["path_id"], path["target"]): path for path in reversed(ordered)}.values())[::-1]


def _node_types(samples: Iterable[ShownRow]) -> list[str]:
    return sorted({node_type for sample in samples for node_type in sample.node_types})


# ---------------------------------------------------------------- sampled quarantine


def _sampled_quarantine(inputs: ReportInputs) -> list[Row]:
    """Rows of training sources: one for each reason, the commonest first, then again."""
    rows = [row for row in _drawn(inputs.quarantine, "quarantine", len(inputs.quarantine)) if row["role"] == "train"]
    by_reason: dict[str, list[Row]] = {}
    for row in rows:
        by_reason.setdefault(row["reason"], []).append(row)
    groups = sorted(by_reason.values(), key=lambda group: (-len(group), group[0]["reason"]))
    turns = (group[turn] for turn in range(N_SAMPLED_QUARANTINE) for group in groups if turn < len(group))
    return [row for _, row in zip(range(N_SAMPLED_QUARANTINE), turns, strict=False)]


# ---------------------------------------------------------------- questions without a path


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUngrounded:
    """A question that has no path to write from, ready for the template."""

    question: Row
    texts: tuple[Markup, ...]
    options: tuple[tuple[Markup, bool], ...]
    """Text, and whether it is the gold answer."""
    links: tuple[LinkedMention, ...]
    drawing: Markup | None
    outcome: Row
    why: str


def _shown_ungrounded(one: GroundedQuestion) -> ShownUngrounded:
    question = one.question
    return ShownUngrounded(
        question=question,
        texts=tuple(_marked(one, field, question[field]) for field in ("context", "stem") if question[field]),
        options=_marked_options(one),
        links=linked_mentions(one.mentions, one.links),
        drawing=draw_paths(one.paths, max_paths=4) if one.paths else None,
        outcome=one.outcome,
        why=one.why_none,
    )


def _marked_options(one: GroundedQuestion) -> tuple[tuple[Markup, bool], ...]:
    question = one.question
    if not question["options"]:
        return ((_marked(one, "answer", question["answer_text"]), True),)
    return tuple(
        (
            Markup("{}. {}").format(option["letter"], _marked(one, "option", option["text"], option["letter"])),
            option["letter"] in question["answer_letters"],
        )
        for option in question["options"]
    )


def _marked(one: GroundedQuestion, field: str, text: str, letter: str = "") -> Markup:
    return highlight(cut(text, _MAX_TEXT_CHARACTERS), one.spans(field, letter))
