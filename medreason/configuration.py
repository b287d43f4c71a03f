"""The whole configuration: one YAML file, put together from the rooms' own models.

Belongs: the top level keys, loading, checking that inputs can be had, saying what a build would do.
Does not belong: the meaning of a room's keys (its own settings module).
Rule: after loading every URL is absolute; what a build does depends on this object and on the files that it names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from medreason.base.canonical import parse_name
from medreason.base.config import StrictModel, absolute_url, read_yaml, validate
from medreason.base.errors import BadInput
from medreason.chains.generation.settings import EngineSettings, require_egress
from medreason.chains.settings import ChainSettings, GroundingSettings
from medreason.chains.verification.policy import VerificationSettings
from medreason.graph.knowledge.lexicon import SynonymSource
from medreason.graph.knowledge.options import LayoutOptions
from medreason.graph.knowledge.settings import GraphSettings
from medreason.questions.sources.protocol import SourceEntry


class GraphConfig(StrictModel):
    """The graph file, how its edges become costs, and files that give its nodes further names."""

    layout: str
    url: str
    options: LayoutOptions = LayoutOptions()
    """What the layout needs beside the file: Hetionet's file of nodes, the column map of any edge table."""
    synonyms: tuple[SynonymSource, ...] = ()
    arrays: GraphSettings = GraphSettings()


class ComputeSettings(StrictModel):
    """Where grounding and generation run."""

    kind: Literal["local", "ray"] = "local"
    """local: in this process; ray: on workers of a Ray cluster."""
    workers: int = Field(default=2, ge=1, le=10_000)
    address: str = ""
    """Address of a running cluster; empty: one is started on this machine for the run."""
    shard_rows: int = Field(default=1_000, ge=1)
    """Questions per shard. Part of how work is cut, never of what comes out."""


class BuildConfig(StrictModel):
    """One build."""

    dataset: str
    sources: tuple[SourceEntry, ...] = Field(min_length=1)
    graph: GraphConfig
    engine: EngineSettings = EngineSettings()
    grounding: GroundingSettings = GroundingSettings()
    chains: ChainSettings = ChainSettings()
    verification: VerificationSettings = VerificationSettings()
    compute: ComputeSettings = ComputeSettings()

    def restricted_sources(self) -> tuple[str, ...]:
        """Adapters whose text may go to this machine's or declared private endpoints only."""
        from medreason.questions.sources.protocol import Egress
        from medreason.questions.sources.registry import SOURCES

        return tuple(sorted({e.adapter for e in self.sources if SOURCES[e.adapter].egress is not Egress.ANY}))

    def deciding(self) -> dict[str, Any]:
        """What decides the rows: everything but where files lie and where the work runs."""
        return self.model_dump(mode="json", exclude={"compute", "engine"}) | {"engine": self.engine.deciding()}


def load_configuration(path: Path, *, data: Path | None = None) -> BuildConfig:
    """Read, validate, make URLs absolute.

    Args: the file; `data` is the folder of relative URLs (default: the file's own).
    Raises: BadConfiguration with all faults at once; EgressRefused where a source may not be sent to the engine.
    """
    raw = read_yaml(path)
    folder = data or path.parent
    config = validate(BuildConfig, _with_absolute_urls(raw, folder), where=path.name)
    parse_name(config.dataset, where=f"{path.name}: dataset")
    _require_known_names(config, path.name)
    require_egress(config.engine, config.restricted_sources())
    return config


def _with_absolute_urls(value: Any, folder: Path) -> Any:
    """Every `url` of the tree that is text; anything else is left for validation to refuse."""
    if isinstance(value, dict):
        return {
            key: absolute_url(part, folder=folder)
            if key in ("url", "nodes_url", "references") and isinstance(part, str)
            else _with_absolute_urls(part, folder)
            for key, part in value.items()
        }
    return [_with_absolute_urls(part, folder) for part in value] if isinstance(value, list) else value


def _require_known_names(config: BuildConfig, where: str) -> None:
    from medreason.graph.knowledge.layouts import require_layout
    from medreason.questions.sources.registry import fitting_source

    for entry in config.sources:
        fitting_source(entry, where=f"{where}: sources")
    require_layout(config.graph.layout, config.graph.options, where=f"{where}: graph")


def check_inputs(config: BuildConfig) -> None:
    """Refuse before any work where a file cannot be had or is none of its adapter's; all of them in one error.

    Files of other machines are only reached for: to look into them would be to fetch them twice.
    Raises: BadInput.
    """
    from medreason.questions.sources.fetch import reachable

    faults = [fault for url in input_urls(config) if (fault := reachable(url))]
    faults = faults or [fault for entry in config.sources if (fault := _source_fault(entry))] + _graph_faults(config)
    if faults:
        raise BadInput(
            "; ".join(faults), where="sources and graph", remedy="Correct the URLs or `--data` and run again."
        )


def _source_fault(entry: SourceEntry) -> str | None:
    from medreason.questions.sources.read import check_entry

    return None if "://" in entry.url else _fault(lambda: check_entry(entry))


def _graph_faults(config: BuildConfig) -> list[str]:
    from medreason.graph.knowledge.layouts import check_graph

    graph = config.graph
    fault = None if "://" in graph.url else _fault(lambda: check_graph(graph.layout, graph.url))
    return [fault] if fault else []


def _fault(check: Callable[[], None]) -> str | None:
    try:
        check()
    except BadInput as error:
        return f"{error.what} ({error.where})"
    return None


def input_urls(config: BuildConfig) -> list[str]:
    """Every file that the build reads, in the order of the configuration."""
    graph = config.graph
    nodes = [graph.options.nodes_url] if graph.options.nodes_url else []
    references = [s.references for s in graph.synonyms if s.references]
    return [*(e.url for e in config.sources), graph.url, *nodes, *(s.url for s in graph.synonyms), *references]


def plan(config: BuildConfig) -> dict[str, Any]:
    """What a build would fetch, ask and write; nothing is done."""
    from medreason.chains.tasks import TASKS

    engine = config.engine
    asks = f"{engine.kind} answers {', '.join(sorted(TASKS))}"
    return {
        "dataset": config.dataset,
        "fetch": [f"{e.adapter} ({e.split}, {e.role or 'role by split'}): {e.url}" for e in config.sources]
        + [f"graph ({config.graph.layout}): {config.graph.url}"]
        + [f"nodes ({config.graph.layout}): {url}" for url in (config.graph.options.nodes_url,) if url]
        + [f"synonyms ({s.layout}): {s.url}" for s in config.graph.synonyms]
        + [f"references ({s.layout}): {s.references}" for s in config.graph.synonyms if s.references],
        "ask": [asks, *([f"model {engine.model}@{engine.revision}"] if engine.model else []), *engine.base_urls],
        "compute": f"{config.compute.kind}, {config.compute.workers} workers, {config.compute.shard_rows} rows a shard",
        "keep": f"{config.verification.keep or 'by engine'}",
        "write": [
            "raw, canonical and quarantined questions, graph, grounding, chains and verdicts under tables/",
            f"a release under releases/{config.dataset}/ if every gate passes",
        ],
    }
