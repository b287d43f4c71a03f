"""The generator: typed inputs in, typed answers out, each distinct request asked once.

Belongs: the one call that stages make (`Generator.ask`), the order of cache, claims, budget, engine, gate and parser.
Does not belong: how any of these works (their own modules), what is asked (tasks/), who answers (engines/).
Rule: requests are made, looked up and let go in chunks, so memory does not grow with what is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from medreason.base.reasons import Outcome, Reason
from medreason.chains.fault import Fault
from medreason.chains.generation.cache import RequestCache, default_folder, result_of
from medreason.chains.generation.gate import response_fault
from medreason.chains.generation.ledger import Budget, Drawn, Forecast, Ledger, LedgerRow
from medreason.chains.generation.progress import Progress, Watcher
from medreason.chains.generation.request import (
    Failure,
    Reply,
    Request,
    RequestForm,
    Response,
    deferred,
    make_request,
    response_sha256,
)
from medreason.chains.generation.segments import Record
from medreason.chains.generation.settings import EngineSettings, require_egress

if TYPE_CHECKING:
    from medreason.base.store import Store

In = TypeVar("In")
Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

_CHUNK = 512
"""Requests made and claimed at once: enough to keep any engine busy, few enough that two runs share the work."""
_POLL_S = 0.1
_BUDGET_SPENT = deferred("the budget of this run is spent")


class Askable(Protocol[In_contra, Out_co]):
    """What the generator needs of a task; `medreason.chains.tasks.protocol.Task` is one."""

    @property
    def name(self) -> str:
        """Part of the key."""

    @property
    def template_sha256(self) -> str:
        """Part of the key."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON schema of the response; empty for free text."""

    def messages(self, given: In_contra) -> list[dict[str, str]]:
        """The typed input as messages."""

    def parse(self, text: str, given: In_contra) -> Out_co | Fault:
        """What a response says, checked against what was given."""


class Engine(Protocol):
    """Who answers."""

    kind: str

    def answer(self, requests: Iterable[Request | None], sink: Callable[[Reply], None]) -> None:
        """Hand over exactly one reply for each request, in any order, from this thread.

        Requests are pulled when there is room for one. None means: nothing can go out before a reply comes in.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[Out]):
    """What came of one request."""

    outcome: Outcome
    value: Out | None
    """What the task made of the response; None unless the outcome is ok."""
    reason: Reason | None
    detail: str
    request_sha256: str
    response_sha256: str
    """Hash of the stored response; empty where there is none."""
    response_model: str
    finish_reason: str
    engine_kind: str
    """Who answered first; an answer from the cache keeps it."""
    model_id: str
    model_revision: str
    template_sha256: str


class Generator:
    """Cache, gate, engine and ledger of one run. Used by one thread at a time; a second one waits."""

    def __init__(
        self,
        *,
        settings: EngineSettings,
        cache: RequestCache,
        engine: Engine,
        model_id: str,
        model_revision: str,
        watcher: Watcher | None = None,
        purse: Drawn | None = None,
    ) -> None:
        """Put together by `open_generator`."""
        self.settings, self.cache, self.engine = settings, cache, engine
        self.model_id, self.model_revision, self.watcher = model_id, model_revision, watcher
        self.ledger = Ledger(prices=settings.prices)
        self.budget = Budget.of(settings.budget_usd, settings.prices, purse)
        self.asked_again: set[str] = set()
        self._lock = threading.RLock()

    def ask(self, task: Askable[In, Out], given: Sequence[In], *, n: int = 1, label: str = "") -> list[Answer[Out]]:
        """Answers in the order of `given`, `n` samples of each one after another (element i * n + sample_no).

        Args: label stands beside the requests in ledger and progress.
        Raises: BadConfiguration where the endpoint is not what the configuration says; BadInput for a miss in replay.
            Whatever concerns single requests is in their answers.
        """
        with self._lock:
            return _Call(self, task, given, n, label).run()

    def forecast(self, task: Askable[In, Out], given: Sequence[In], *, n: int = 1) -> Forecast:
        """What `ask` would send; sends nothing."""
        form = self.form_of(task)
        seen: set[str] = set()
        n_cached, n_prompt_bytes, most_cost = 0, 0, 0
        for start in range(0, len(given), _CHUNK):
            fresh = {
                request.sha256: request
                for one in given[start : start + _CHUNK]
                for request in (make_request(form, task.messages(one), sample_no) for sample_no in range(n))
                if request.sha256 not in seen
            }
            with self._lock:
                cached = self.cache.get_many(list(fresh))
            outstanding = [request for key, request in fresh.items() if key not in cached]
            seen.update(fresh)
            n_cached += len(cached)
            n_prompt_bytes += sum(len(request.messages_json) for request in outstanding)
            most_cost += sum(self.budget.dearest(request) for request in outstanding)
        return Forecast(
            n_requests=len(seen),
            n_cached=n_cached,
            prompt_tokens=n_prompt_bytes // 4,
            most_completion_tokens=(len(seen) - n_cached) * form.sampling.max_tokens,
            most_cost_nano_usd=most_cost,
        )

    def form_of(self, task: Askable[In, Out]) -> RequestForm:
        """What all requests of a task share in this run."""
        return RequestForm.of(
            task=task.name,
            model_id=self.model_id,
            model_revision=self.model_revision,
            sampling=self.settings.sampling_of(task.name),
            response_schema=self.settings.schema_sent(task.schema),
            template_sha256=task.template_sha256,
        )

    def close(self) -> None:
        """Seal what was written. Without it nothing is lost: the next run does it."""
        with self._lock:
            self.budget.close()
            self.cache.close()

    def __enter__(self) -> Generator:
        """The generator itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class _Call(Generic[In, Out]):
    """One call of `ask`: which positions wait for which request."""

    def __init__(self, generator: Generator, task: Askable[In, Out], given: Sequence[In], n: int, label: str) -> None:
        self._generator, self._task, self._given, self._n, self._label = generator, task, given, n, label
        self._form, self._cache = generator.form_of(task), generator.cache
        self._n_positions = len(given) * n
        self._answers: dict[int, Answer[Out]] = {}
        self._known: dict[str, Answer[Out]] = {}
        self._positions: dict[str, list[int]] = {}
        """Of requests without an answer yet."""
        self._claimed: set[str] = set()
        self._waiting: set[str] = set()
        """Requests that another process is asking."""
        self._progress = Progress(task=task.name, label=label, n_total=self._n_positions, watcher=generator.watcher)

    def run(self) -> list[Answer[Out]]:
        if self._generator.settings.prices is not None:
            # Before the first one goes out: who pays can still say no.
            self._progress.forecast = self._generator.forecast(self._task, self._given, n=self._n)
            self._progress.tell(now=True)
        try:
            self._generator.engine.answer(self._outgoing(), self._take)
            while self._waiting:
                self._wait_for_others()
        finally:
            self._cache.flush()
            self._cache.release(self._claimed)
        self._progress.tell(now=True)
        return [self._answers[position] for position in range(self._n_positions)]

    # --- out ---------------------------------------------------------------------------------------------------------

    def _outgoing(self) -> Iterator[Request | None]:
        for start in range(0, self._n_positions, _CHUNK):
            fresh = self._new_requests(range(start, min(start + _CHUNK, self._n_positions)))
            found, mine = self._acquire(list(fresh))
            for record in found.values():
                self._settle(record)
            self._waiting.update(key for key in fresh if key not in found and key not in mine)
            for key, request in fresh.items():
                if key in mine:
                    yield from self._within_budget(request)

    def _new_requests(self, positions: Iterable[int]) -> dict[str, Request]:
        """Requests of these positions that this call has not met yet; the others join what they wait for."""
        fresh = {}
        for position in positions:
            request = self._request(position)
            known = self._known.get(request.sha256)
            if known is not None:
                self._answers[position] = known
                self._progress.n_done += 1
            elif request.sha256 in self._positions:
                self._positions[request.sha256].append(position)
            else:
                self._positions[request.sha256] = [position]
                fresh[request.sha256] = request
        return fresh

    def _request(self, position: int) -> Request:
        return make_request(self._form, self._task.messages(self._given[position // self._n]), position % self._n)

    def _acquire(self, keys: list[str]) -> tuple[dict[str, Record], set[str]]:
        found, mine = self._cache.acquire(keys)
        if self._generator.settings.ask_failed_again:
            failed = [key for key, record in found.items() if not record.is_response]
            again = self._cache.claim_failed([key for key in failed if key not in self._generator.asked_again])
            self._generator.asked_again |= again
            found, mine = {key: found[key] for key in found if key not in again}, mine | again
        self._claimed |= mine
        return found, mine

    def _within_budget(self, request: Request) -> Iterator[Request | None]:
        budget = self._generator.budget
        while not budget.admits(request):
            if budget.reserved_nano_usd == 0:
                self._defer(Reply(request=request, result=_BUDGET_SPENT, n_attempts=0), _BUDGET_SPENT)
                return
            yield None
        budget.reserve(request)
        yield request

    # --- in ----------------------------------------------------------------------------------------------------------

    def _take(self, reply: Reply) -> None:
        """The engine's sink."""
        cost = self._generator.ledger.cost_of(reply.result)
        self._generator.budget.settle(reply.request, cost)
        if isinstance(reply.result, Failure) and reply.result.outcome is Outcome.DEFERRED:
            self._defer(reply, reply.result)
            return
        record = self._cache.put(reply)
        self._claimed.discard(record.key)
        self._settle(record, fresh=reply)

    def _defer(self, reply: Reply, failure: Failure) -> None:
        self._hand_out(self._failed(reply.request.sha256, failure), failure, reply)

    def _settle(self, record: Record, *, fresh: Reply | None = None) -> None:
        """Turn a stored result into the answer of all that wait for it; `fresh` where it was stored just now."""
        result = fresh.result if fresh is not None else result_of(record)
        answer = self._failed(record.key, result) if isinstance(result, Failure) else self._read(record, result)
        self._hand_out(answer, result, fresh)

    def _read(self, record: Record, response: Response) -> Answer[Out]:
        """Gate and parser, the same for what just came and for what was stored years ago."""
        limit = self._generator.settings.max_response_characters
        fault = response_fault(response, max_characters=limit)
        if fault is not None:
            return self._answer(record.key, None, fault.reason, fault.detail, record, response)
        given = self._given[self._positions[record.key][0] // self._n]
        parsed = self._task.parse(response.content, given)
        if isinstance(parsed, Fault):
            return self._answer(record.key, None, parsed.reason, parsed.detail, record, response)
        return self._answer(record.key, parsed, None, "", record, response)

    def _answer(
        self, key: str, value: Out | None, reason: Reason | None, detail: str, record: Record, response: Response
    ) -> Answer[Out]:
        return Answer(
            outcome=Outcome.OK if reason is None else Outcome.QUARANTINED,
            value=value,
            reason=reason,
            detail=detail,
            request_sha256=key,
            response_sha256=response_sha256(record.body),
            response_model=response.response_model,
            finish_reason=response.finish_reason,
            engine_kind=response.engine_kind,
            model_id=self._form.model_id,
            model_revision=self._form.model_revision,
            template_sha256=self._form.template_sha256,
        )

    def _failed(self, key: str, failure: Failure) -> Answer[Out]:
        return Answer(
            outcome=failure.outcome,
            value=None,
            reason=failure.reason,
            detail=failure.detail,
            request_sha256=key,
            response_sha256="",
            response_model="",
            finish_reason="",
            engine_kind=self._generator.engine.kind,
            model_id=self._form.model_id,
            model_revision=self._form.model_revision,
            template_sha256=self._form.template_sha256,
        )

    def _hand_out(self, answer: Answer[Out], result: Response | Failure, fresh: Reply | None) -> None:
        row = self._ledger_row(answer, result, fresh)
        positions = self._positions.pop(answer.request_sha256)
        self._known[answer.request_sha256] = answer
        for position in positions:
            self._answers[position] = answer
        self._generator.ledger.add(row)
        self._progress.count(row, len(positions))

    def _ledger_row(self, answer: Answer[Out], result: Response | Failure, fresh: Reply | None) -> LedgerRow:
        cost = self._generator.ledger.cost_of(result)
        return LedgerRow(
            task=self._task.name,
            label=self._label,
            request_sha256=answer.request_sha256,
            outcome=answer.outcome,
            reason=answer.reason,
            is_cached=fresh is None,
            n_attempts=fresh.n_attempts if fresh else 0,
            latency_ms=fresh.latency_ms if fresh else 0,
            prompt_tokens=result.prompt_tokens,
            completion_tokens=result.completion_tokens,
            cost_nano_usd=cost if fresh else 0,
            earlier_cost_nano_usd=0 if fresh else cost,
        )

    # --- others ------------------------------------------------------------------------------------------------------

    def _wait_for_others(self) -> None:
        """One look at the requests that other processes claimed: take their results, or take their place."""
        self._cache.flush()  # the other may be waiting for ours
        found, mine = self._cache.take_over(sorted(self._waiting))
        for record in found.values():
            self._settle(record)
        self._claimed |= mine
        self._waiting -= mine | found.keys()
        if mine:
            self._generator.engine.answer(self._taken_over(sorted(mine)), self._take)
        elif not found:
            time.sleep(_POLL_S)

    def _taken_over(self, keys: Iterable[str]) -> Iterator[Request | None]:
        for key in keys:
            yield from self._within_budget(self._request(self._positions[key][0]))


def open_generator(
    settings: EngineSettings,
    store: Store,
    *,
    folder: Path | None = None,
    bring_up: Callable[[EngineSettings], Sequence[str]] | None = None,
    watcher: Watcher | None = None,
    purse: Drawn | None = None,
    local_only_sources: Iterable[str] = (),
) -> Generator:
    """The generator of a run, or of a shard of it.

    Args: folder holds open segments and index (default: `cache.default_folder`); bring_up starts the server of kind
        `vllm` and returns its base URLs, called at most once and only when a request has to be sent; purse holds the
        budget where others spend of it as well;
        local_only_sources are those whose text must not leave.
    Raises: EgressRefused, BadConfiguration.
    """
    from medreason.chains.engines.registry import open_engine

    require_egress(settings, local_only_sources)
    opened = open_engine(settings, bring_up)
    timeout_s = 60.0 + 2 * settings.max_attempts * settings.deadline_of(settings.sampling.sampling())
    # Rule answers can be made again from the row at any time; what a paid model was asked is kept with its answer.
    keeps_prompts = settings.kind not in ("rule", "replay")
    cache = RequestCache(
        store, folder or default_folder(store), keeps_prompts=keeps_prompts, claim_timeout_s=max(timeout_s, 300.0)
    )
    return Generator(
        settings=settings,
        cache=cache,
        engine=opened.engine,
        model_id=opened.model_id,
        model_revision=opened.model_revision,
        watcher=watcher,
        purse=purse,
    )
