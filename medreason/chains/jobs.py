"""Jobs: a table of questions cut into shards, each a pure function of inputs named by hash.

Belongs: the job file, running one shard (with its memo), putting parts together.
Does not belong: who runs shards (assets in process, ray_jobs on workers), what a shard does (shards/).
Rule: how a job is cut and where its shards run changes neither rows nor their order.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from medreason.base.config import StrictModel
from medreason.base.errors import MedReasonError
from medreason.base.reasons import Outcome
from medreason.base.store import Memo, Store, TableRef, open_store, read_table, write_table
from medreason.base.store.folders import open_folder
from medreason.base.tables.chains import CHAINS, VERDICTS
from medreason.base.tables.graph import ARRAYS, LEXICON, NODES
from medreason.base.tables.grounding import LINKS, MENTIONS, OUTCOMES, PATHS, PRUNED_PATHS
from medreason.base.tables.questions import QUESTIONS
from medreason.base.tables.registry import Table
from medreason.chains.engines.registry import BringUp
from medreason.chains.generation.generator import Generator, open_generator
from medreason.chains.generation.ledger import Drawn, store_ledger
from medreason.chains.generation.progress import Watcher
from medreason.chains.generation.settings import EngineSettings
from medreason.chains.settings import ChainSettings, GroundingSettings
from medreason.chains.shards.generation import GenerationTools, generate_shard
from medreason.chains.shards.grounding import GroundingTools, ground_shard
from medreason.chains.shards.verification import VerificationTools, synonyms_of, verify_shard
from medreason.chains.verification.policy import VerificationSettings

Kind = Literal["ground", "generate", "verify"]
Refs = dict[str, TableRef]

INPUTS: dict[str, Table] = {
    "questions": QUESTIONS,
    "nodes": NODES,
    "arrays": ARRAYS,
    "lexicon": LEXICON,
    "links": LINKS,
    "paths": PATHS,
    "pruned_paths": PRUNED_PATHS,
    "chains": CHAINS,
}
"""Every input a job may have, by name."""
OUTPUTS: dict[str, dict[str, Table]] = {
    "ground": {
        "mentions": MENTIONS,
        "links": LINKS,
        "paths": PATHS,
        "pruned_paths": PRUNED_PATHS,
        "outcomes": OUTCOMES,
    },
    "generate": {"chains": CHAINS},
    "verify": {"verdicts": VERDICTS},
}
"""The tables that a job of each kind makes."""


class JobSettings(StrictModel):
    """The parts of the configuration that jobs read."""

    grounding: GroundingSettings
    chains: ChainSettings
    verification: VerificationSettings
    engine: EngineSettings


class ModelNotUp(MedReasonError):
    """A shard has something to ask of a model that nobody has brought up yet."""

    code = "model-not-up"
    remedy = "Start the model, then run the shard with its URLs; what was answered is kept."


class InputRef(StrictModel):
    """A `TableRef` in a job file."""

    table: str
    sha256: str
    n_rows: int


class Job(StrictModel):
    """A job file."""

    kind: Kind
    root: str
    """Store that inputs are in and outputs go to."""
    scratch: str
    """Folder on the worker for what is memory-mapped or being written; each machine may have its own."""
    code_version: str
    inputs: dict[str, InputRef]
    settings: JobSettings
    local_only_sources: tuple[str, ...] = ()
    shard_rows: int
    model_urls: tuple[str, ...] = ()
    """Where the run's own model server answers, once it was needed. No part of any key."""
    budget_nano_usd: int | None = None
    """What the run may still spend when the job begins; None for no limit. No part of any key."""

    def n_shards(self) -> int:
        """Shards of `shard_rows` questions; the last one is shorter; an empty table has one."""
        return max(1, -(-self.inputs["questions"].n_rows // self.shard_rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardDone:
    """What one shard made."""

    number: int
    refs: dict[str, dict[str, str | int]]
    """References by output name, as JSON."""
    n_deferred: int
    """Rows whose answer could not be had; such a shard is worked again by the next run."""
    asked: dict[str, int | float]
    """What was asked for it in this run (see `ASKED`); empty where it was worked before."""
    failed: dict[str, int]
    """Requests of this run without a usable answer, by reason."""
    ledger: str = ""
    """Where in the store the ledger of its requests lies, of this run or of the one that worked it; empty for none."""


ASKED = ("n_requests", "n_cached", "n_attempts", "n_deferred", "prompt_tokens", "completion_tokens", "cost_usd")
"""Numbers of a ledger's summary that add up over shards, in the order shown."""


def run_shard(
    job: Job,
    number: int,
    bring_up: BringUp | None = None,
    watcher: Watcher | None = None,
    purse: Drawn | None = None,
) -> ShardDone:
    """Work one shard, or find that it was worked before.

    Args: bring_up starts the server of an engine of kind `vllm`, without it `job.model_urls` are asked; watcher is told
        how far its requests are; purse holds the run's budget, without it the shard has one of its own.
    Raises: ModelNotUp where there are none and something has to be asked; another MedReasonError where inputs cannot
        be had or the engine refuses the whole run.
    """
    store = _store(job.root)
    memo = Memo(store=store, asset=f"shard/{job.kind}")
    key = memo.key(code_version=job.code_version, inputs=_hashes(job), settings=_deciding(job, number))
    if found := memo.get(key):
        ledger = found.get("ledger", "")
        return ShardDone(number=number, refs=found["refs"], n_deferred=0, asked={}, failed={}, ledger=ledger)
    with _generator(job, store, bring_up or functools.partial(_urls_of, job), watcher, purse) as generator:
        made = _WORK[job.kind](job, number, generator)
    asked = generator.ledger.summary()
    refs = {name: write_table(store, spec, made[name]) for name, spec in OUTPUTS[job.kind].items()}
    done = ShardDone(
        number=number,
        refs={name: ref.as_json() for name, ref in refs.items()},
        n_deferred=sum(_n_deferred(table) for table in made.values()),
        asked={name: asked[name] for name in ASKED},
        failed=asked["reasons"],
        ledger=store_ledger(store, generator.ledger),
    )
    if not done.n_deferred:
        memo.put(key, {"refs": done.refs, "ledger": done.ledger})
    return done


def merge(job: Job, parts: Iterable[ShardDone]) -> dict[str, pa.Table]:
    """The whole tables, in key order."""
    store, ordered = _store(job.root), sorted(parts, key=lambda part: part.number)
    merged = {}
    for name, spec in OUTPUTS[job.kind].items():
        tables = [read_table(store, spec, TableRef(**part.refs[name])) for part in ordered]  # type: ignore[arg-type]
        merged[name] = spec.conform(pa.concat_tables(tables))
    return merged


def asked_in_all(parts: Iterable[ShardDone]) -> dict[str, int | float]:
    """Sums of what was asked for these shards in this run."""
    counted = [part.asked for part in parts]
    return {name: sum(one.get(name, 0) for one in counted) for name in ASKED}


def failed_in_all(parts: Iterable[ShardDone]) -> dict[str, int]:
    """Sums of what failed for these shards in this run, by reason."""
    failed: Counter[str] = Counter()
    for part in parts:
        failed.update(part.failed)
    return dict(sorted(failed.items()))


def _hashes(job: Job) -> dict[str, str]:
    return {name: ref.sha256 for name, ref in job.inputs.items()}


def _deciding(job: Job, number: int) -> dict[str, Any]:
    start = number * job.shard_rows
    settings = job.settings.model_dump(mode="json", exclude={"engine"}) | {"engine": job.settings.engine.deciding()}
    return {"settings": settings, "start": start, "rows": job.shard_rows}


def _n_deferred(table: pa.Table) -> int:
    if "outcome" not in table.column_names:
        return 0
    return table.column("outcome").to_pylist().count(Outcome.DEFERRED.value)


# ---------------------------------------------------------------- the three kinds


def _ground(job: Job, number: int, generator: Generator) -> dict[str, pa.Table]:
    tools = GroundingTools(**_graph_tools(job), generator=generator, settings=job.settings.grounding)
    grounded = ground_shard(_shard(job, number), tools)
    return {name: getattr(grounded, name) for name in OUTPUTS["ground"]}


def _generate(job: Job, number: int, generator: Generator) -> dict[str, pa.Table]:
    questions = _shard(job, number)
    wanted = questions.column("item_id")
    paths, pruned = (_of_items(_input(job, name), wanted) for name in ("paths", "pruned_paths"))
    tools = GenerationTools(generator=generator, settings=job.settings.chains)
    return {"chains": generate_shard(questions, paths, pruned, tools)}


def _verify(job: Job, number: int, generator: Generator) -> dict[str, pa.Table]:
    questions, links, paths, chains = (_input(job, name) for name in ("questions", "links", "paths", "chains"))
    items = [str(item) for item in _shard(job, number).column("item_id").to_pylist()]
    tools = VerificationTools(
        **_graph_tools(job),
        generator=generator,
        settings=job.settings.verification,
        synonyms=_synonyms(job.root, _ref(job, "lexicon")),
    )
    return {"verdicts": verify_shard(questions, links, paths, chains, tools, only_items=items)}


_WORK: Mapping[Kind, Callable[[Job, int, Generator], dict[str, pa.Table]]] = {
    "ground": _ground,
    "generate": _generate,
    "verify": _verify,
}


# ---------------------------------------------------------------- what shards of one process share


def _shard(job: Job, number: int) -> pa.Table:
    return _input(job, "questions").slice(number * job.shard_rows, job.shard_rows)


def _of_items(table: pa.Table, wanted: Any) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table.column("item_id"), value_set=wanted.combine_chunks()))


def _input(job: Job, name: str) -> pa.Table:
    return _table(job.root, name, _ref(job, name))


def _ref(job: Job, name: str) -> TableRef:
    return TableRef(**job.inputs[name].model_dump())


def _generator(job: Job, store: Store, bring_up: BringUp, watcher: Watcher | None, purse: Drawn | None) -> Generator:
    engine, restricted = job.settings.engine, job.local_only_sources
    return open_generator(engine, store, bring_up=bring_up, watcher=watcher, purse=purse, local_only_sources=restricted)


def _urls_of(job: Job, settings: EngineSettings) -> tuple[str, ...]:
    if not job.model_urls:
        raise ModelNotUp(f"model {settings.model}", where=f"shard of {job.kind}")
    return job.model_urls


def _graph_tools(job: Job) -> dict[str, Any]:
    grounding = job.settings.grounding.model_dump_json()
    return dict(
        _opened_graph(job.root, job.scratch, _ref(job, "arrays"), _ref(job, "nodes"), _ref(job, "lexicon"), grounding)
    )


@functools.lru_cache(maxsize=4)
def _store(root: str) -> Store:
    return open_store(root)


@functools.lru_cache(maxsize=8)
def _table(root: str, name: str, ref: TableRef) -> pa.Table:
    return read_table(_store(root), INPUTS[name], ref)


@functools.lru_cache(maxsize=2)
def _synonyms(root: str, lexicon: TableRef) -> Mapping[int, tuple[str, ...]]:
    return synonyms_of(_table(root, "lexicon", lexicon))


@functools.lru_cache(maxsize=1)
def _opened_graph(
    root: str, scratch: str, arrays: TableRef, nodes: TableRef, lexicon: TableRef, grounding_json: str
) -> Mapping[str, Any]:
    """Graph, linker and finder: seconds to open, so once per process."""
    from medreason.graph.knowledge.graph import KnowledgeGraph
    from medreason.graph.linking.linker import Linker
    from medreason.graph.paths import PathFinder

    settings = GroundingSettings.model_validate_json(grounding_json)
    folder = open_folder(_store(root), _table(root, "arrays", arrays), Path(scratch) / "graphs")
    graph = KnowledgeGraph.open(folder)
    linker = Linker(_table(root, "nodes", nodes), _table(root, "lexicon", lexicon), settings.linking)
    return {"graph": graph, "linker": linker, "finder": PathFinder(graph, settings.paths)}
