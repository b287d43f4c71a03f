"""Any OpenAI-compatible endpoint: vLLM, gateways, providers; several replicas.

Belongs: the connection, the dispatcher that fills replicas, the total deadline of an attempt.
Does not belong: what a reply means (generation/gate.py), when to send again (generation/retry.py), how much at once
(generation/concurrency.py).
Rule: the key is read from the environment, goes into one header and nowhere else; a reply that repeats it is refused.
Redirects are not followed, since they could lead off the machine.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from medreason.base.canonical import canonical_json
from medreason.chains.engines.replicas import Replica, check_replicas, read_body
from medreason.chains.generation.concurrency import Breaker
from medreason.chains.generation.gate import (
    HttpReply,
    Trouble,
    Whose,
    bad_envelope,
    judge_reply,
    not_reached,
    timed_out,
)
from medreason.chains.generation.request import Failure, Reply, Request, RequestForm, Response, deferred
from medreason.chains.generation.retry import Accept, Defer, Quarantine, Resend, next_action
from medreason.chains.generation.settings import EngineSettings

if TYPE_CHECKING:
    import aiohttp

Sink = Callable[[Reply], None]
Feed = Iterator[Request | None]


class OpenAIEngine:
    """The `openai` engine. `answer` runs an event loop of its own until all requests have a reply."""

    def __init__(self, settings: EngineSettings, *, kind: str = "openai") -> None:
        """Nothing is sent yet."""
        self.kind = kind
        self._settings = settings
        self._was_checked = False

    def answer(self, requests: Iterable[Request | None], sink: Sink) -> None:
        """See `Engine.answer`.

        Raises: BadConfiguration where the endpoint refuses the key or does not serve the model.
        """
        feed = iter(requests)
        first = next((request for request in feed if request is not None), None)
        if first is not None:
            asyncio.run(self._answer(chain([first], feed), sink))

    async def _answer(self, feed: Feed, sink: Sink) -> None:
        settings = self._settings
        replicas = Replica.all_of(settings.base_urls, settings.concurrency)
        async with _session(settings) as session:
            run = _Run(settings=settings, session=session, replicas=replicas, feed=feed, sink=sink, kind=self.kind)
            if not self._was_checked:
                await self._check(run)
            await run.work()

    async def _check(self, run: _Run) -> None:
        n_reached = await check_replicas(run.session, run.replicas, self._settings.model)
        if n_reached == 0:
            run.breaker.open("no replica can be reached")
        self._was_checked = n_reached > 0


def _session(settings: EngineSettings) -> aiohttp.ClientSession:
    import aiohttp

    key = settings.api_key()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    # The total deadline is asyncio's: aiohttp's would not cover what happens between its own steps.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout_s)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=timeout, headers=headers, trust_env=False, auto_decompress=True
    )


@dataclass(slots=True, kw_only=True)
class _Job:
    """A request on its way."""

    request: Request
    n_sent: int = 0
    n_failed: int = 0
    first_sent_s: float = 0.0
    sent_s: float = 0.0
    failed_at: Replica | None = None


@dataclass(slots=True, kw_only=True)
class _Run:
    """One call of `answer`: a dispatcher that decides, and tasks that only send and read."""

    settings: EngineSettings
    session: aiohttp.ClientSession
    replicas: list[Replica]
    feed: Feed
    sink: Sink
    kind: str
    breaker: Breaker = field(init=False)
    _late: list[tuple[float, int, _Job]] = field(default_factory=list)
    """Heap of what is to be sent again, by time."""
    _held: list[tuple[_Job, Failure]] = field(default_factory=list)
    """Out of attempts; an outage would explain it, so a success elsewhere or a probe decides."""
    _refused: list[tuple[_Job, Failure]] = field(default_factory=list)
    """Refused before anything was answered; what all requests have in common may be why."""
    _was_answered: bool = False
    _finished: deque[tuple[_Job, Replica, Response | Trouble]] = field(default_factory=deque)
    _tasks: set[asyncio.Task[Response | Trouble]] = field(default_factory=set)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _next: _Job | None = None
    _feed_has_ended: bool = False
    _feed_is_blocked: bool = False
    _numbers: Iterator[int] = field(default_factory=count)
    _constants: dict[str, bytes] = field(default_factory=dict)
    _secret: bytes = b""

    def __post_init__(self) -> None:
        """A breaker of its own: the next call may find the server up again."""
        key = self.settings.api_key() or ""
        self._secret = key.encode() if len(key) >= _SHORTEST_KEY else b""
        self.breaker = Breaker(suspicious_after=self.settings.failures_before_probe)

    async def work(self) -> None:
        """Until the feed has ended and every request has its reply."""
        try:
            while not self._is_done():
                wait_s = self._send_what_can_go()
                await self._sleep(wait_s)
                self._take_finished()
                if self._is_to_ask():
                    await self._ask_whether_it_lives()
        finally:
            await self._cancel_tasks()

    def _is_done(self) -> bool:
        return self._feed_has_ended and self._is_idle() and not (self._held or self._refused)

    def _is_idle(self) -> bool:
        return not (self._tasks or self._finished or self._late or self._next)

    def _is_to_ask(self) -> bool:
        """Whether a probe has to decide. Not while something is in flight: that may answer it, or crowd it out."""
        return not self._tasks and (self._waits_for_probe() or self._has_only_held())

    def _waits_for_probe(self) -> bool:
        return self.breaker.is_suspicious or len(self._refused) >= self.settings.failures_before_probe

    def _has_only_held(self) -> bool:
        return bool(self._held or self._refused) and self._is_idle() and (self._feed_has_ended or self._feed_is_blocked)

    # --- dispatch ----------------------------------------------------------------------------------------------------

    def _send_what_can_go(self) -> float | None:
        """Start all that may start now; seconds until more may (None: when something comes back)."""
        if self.breaker.is_open:
            self._defer_all()
            return None
        if self._waits_for_probe():
            return None
        now_s = self._now_s()
        while (job := self._take_job(now_s)) is not None:
            replica, wait_s = self._room_for(job, now_s)
            if replica is None:
                self._next = job
                return wait_s
            self._start(job, replica, now_s)
        return max(0.0, self._late[0][0] - now_s) if self._late else None

    def _take_job(self, now_s: float) -> _Job | None:
        """What was put back, else what is due again, else something new."""
        if self._next is not None:
            job, self._next = self._next, None
            return job
        if self._late and self._late[0][0] <= now_s:
            return heapq.heappop(self._late)[2]
        return self._new_job()

    def _new_job(self) -> _Job | None:
        if self._feed_has_ended or (self._is_full() and self._tasks):
            return None
        try:
            request = next(self.feed)
        except StopIteration:
            self._feed_has_ended = True
            return None
        self._feed_is_blocked = request is None
        return None if request is None else _Job(request=request)

    def _is_full(self) -> bool:
        """Nothing more is pulled than can be sent: what is pulled is claimed and held in memory."""
        return all(replica.is_full for replica in self.replicas)

    def _room_for(self, job: _Job, now_s: float) -> tuple[Replica | None, float | None]:
        """(the least busy replica that may take it now, or None with the seconds until one may)."""
        waits = []
        for replica in sorted(self.replicas, key=lambda one: (one is job.failed_at, one.n_in_flight)):
            wait_s = replica.wait_s(now_s)
            if wait_s == 0.0:
                return replica, 0.0
            if wait_s is not None:
                waits.append(wait_s)
        return None, min(waits) if waits else None

    def _start(self, job: _Job, replica: Replica, now_s: float) -> None:
        job.n_sent += 1
        job.first_sent_s, job.sent_s = job.first_sent_s or now_s, now_s
        replica.n_in_flight += 1
        task = asyncio.get_running_loop().create_task(self._attempt(job.request, replica))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._note(job, replica, done))

    def _note(self, job: _Job, replica: Replica, task: asyncio.Task[Response | Trouble]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._finished.append((job, replica, task.result()))
        self._woken.set()

    async def _sleep(self, wait_s: float | None) -> None:
        """Until something came back, at most `wait_s`."""
        if self._finished or (wait_s is None and not self._tasks):
            await asyncio.sleep(0)
            return
        timer = None if wait_s is None else asyncio.get_running_loop().call_later(wait_s, self._woken.set)
        await self._woken.wait()
        self._woken.clear()
        if timer is not None:
            timer.cancel()

    # --- one attempt -------------------------------------------------------------------------------------------------

    async def _attempt(self, request: Request, replica: Replica) -> Response | Trouble:
        return await self._exchange(replica, self._body(request), self.settings.deadline_of(request.form.sampling))

    async def _exchange(self, replica: Replica, body: bytes, deadline_s: float) -> Response | Trouble:
        import aiohttp

        try:
            async with asyncio.timeout(deadline_s):
                reply = await self._post(replica.completions_url, body)
        except TimeoutError:
            return timed_out(deadline_s)
        except aiohttp.ClientPayloadError:
            return bad_envelope("the body was cut")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return not_reached(type(error).__name__)
        if reply is None:
            return bad_envelope("the body is too large")
        if self._secret and self._secret in reply.body:
            return bad_envelope("the reply repeats the key")
        model = self.settings.response_model or self.settings.model
        return judge_reply(reply, model=model, engine_kind=self.kind)

    async def _post(self, url: str, body: bytes) -> HttpReply | None:
        """The complete reply; None where its body passes the limit."""
        async with self.session.post(url, data=body, allow_redirects=False) as reply:
            whole = await read_body(reply)
            if whole is None:
                return None
            return HttpReply(status=reply.status, body=whole, retry_after=reply.headers.get("Retry-After"))

    def _body(self, request: Request) -> bytes:
        return self._body_of(request.form, request.messages_json, request.seed)

    def _body_of(self, form: RequestForm, messages_json: bytes, seed: int) -> bytes:
        constant = self._constants.get(form.task)
        if constant is None:
            constant = self._constants[form.task] = constant_body(form, self.settings)
        return b"".join((b'{"messages":', messages_json, constant, b"%d}" % seed))

    # --- what comes back ---------------------------------------------------------------------------------------------

    def _take_finished(self) -> None:
        while self._finished:
            job, replica, outcome = self._finished.popleft()
            now_s = self._now_s()
            if replica.learn(outcome, now_s=now_s, sent_s=job.sent_s):
                job.n_failed += isinstance(outcome, Trouble) and outcome.whose is Whose.SERVER
            self._learn(outcome)
            self._act(job, replica, outcome, now_s)

    def _learn(self, outcome: Response | Trouble) -> None:
        if isinstance(outcome, Response):
            self._was_answered = True
        if isinstance(outcome, Response) or outcome.whose is Whose.REQUEST:
            self.breaker.succeeded()
            self._condemn_held()
        elif outcome.whose is Whose.SERVER:
            self.breaker.failed(outcome.detail)

    def _act(self, job: _Job, replica: Replica, outcome: Response | Trouble, now_s: float) -> None:
        if isinstance(outcome, Trouble) and outcome.whose is Whose.SERVER:
            job.failed_at = replica
        action = next_action(
            outcome,
            n_failed=job.n_failed,
            waited_s=now_s - job.first_sent_s,
            jitter=random.random(),
            policy=self.settings.retry_policy(),
        )
        match action:
            case Accept(response=response):
                self._reply(job, response)
            case Resend(delay_s=delay_s):
                heapq.heappush(self._late, (now_s + delay_s, next(self._numbers), job))
            case Quarantine(failure=failure, needs_living_server=True):
                self._held.append((job, failure))
            case Quarantine(failure=failure) if self._was_answered:
                self._reply(job, failure)
            case Quarantine(failure=failure):
                self._refused.append((job, failure))
            case Defer(failure=failure, is_outage=is_outage):
                self._reply(job, failure)
                if is_outage:
                    self.breaker.open(failure.detail)

    def _reply(self, job: _Job, result: Response | Failure) -> None:
        latency_ms = round((self._now_s() - job.first_sent_s) * 1000) if job.n_sent else 0
        self.sink(Reply(request=job.request, result=result, n_attempts=job.n_sent, latency_ms=latency_ms))

    # --- outages -----------------------------------------------------------------------------------------------------

    def _defer_all(self) -> None:
        """The endpoint is down: all that is not in flight is left to the next run."""
        failure = deferred(self.breaker.why)
        held = [job for job, _ in (*self._held, *self._refused)]
        jobs = held + [job for _, _, job in self._late] + ([self._next] if self._next else [])
        self._held, self._refused, self._late, self._next = [], [], [], None
        for job in jobs:
            self._reply(job, failure)
        while not self._feed_has_ended and (job_or_none := self._pull()) is not None:
            self._reply(job_or_none, failure)

    def _pull(self) -> _Job | None:
        request = next(self.feed, _END)
        self._feed_has_ended = request is _END
        return _Job(request=request) if isinstance(request, Request) else None

    def _condemn_held(self) -> None:
        """The endpoint answers others: what ran out of attempts, or was refused, is at fault itself."""
        held, self._held = self._held, []
        if self._was_answered:
            held, self._refused = held + self._refused, []
        for job, failure in held:
            self._reply(job, failure)

    async def _ask_whether_it_lives(self) -> None:
        """Many failures in a row, or none left that could succeed: are the requests at fault, or is it an outage?"""
        if self.breaker.is_open:
            return
        if self._refused:
            await self._ask_whether_such_requests_pass()
        elif any(await asyncio.gather(*(self._probe(replica) for replica in self.replicas))):
            self.breaker.succeeded()
            self._condemn_held()
        else:
            self.breaker.open(f"the endpoint is down, last seen: {self.breaker.last_seen}")

    async def _ask_whether_such_requests_pass(self) -> None:
        """Nothing was answered yet: does the endpoint refuse our rows, or a parameter that all requests have?"""
        form, why = self._refused[0][0].request.form, self._refused[0][1].detail
        body = self._body_of(form, canonical_json([PROBE_MESSAGE]), 0)
        deadline_s = self.settings.deadline_of(form.sampling)
        asked = (self._exchange(replica, body, deadline_s) for replica in self.replicas)
        if any(isinstance(outcome, Response) for outcome in await asyncio.gather(*asked)):
            self._was_answered = True
            self._condemn_held()
        else:
            self.breaker.open(f"the endpoint refuses every request of task {form.task}, whatever it says: {why}")

    async def _probe(self, replica: Replica) -> bool:
        """One completion of one token, which no provider would fail for what our rows say."""
        outcome = await self._exchange(replica, probe_body(self.settings.model), _PROBE_DEADLINE_S)
        return isinstance(outcome, Response) or outcome.whose in (Whose.REQUEST, Whose.LIMIT)

    async def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


_END: Any = object()
_PROBE_DEADLINE_S = 30.0
_SHORTEST_KEY = 16
"""What is shorter is a word that servers without keys want to see (`EMPTY`), and may stand in any answer."""


PROBE_MESSAGE = {"role": "user", "content": "Say yes."}


def probe_body(model: str) -> bytes:
    """The smallest completion that there is; its answer is thrown away."""
    return canonical_json({"model": model, "messages": [PROBE_MESSAGE], "max_tokens": 1})


def constant_body(form: RequestForm, settings: EngineSettings) -> bytes:
    """The request body between messages and seed: what all requests of a form share."""
    sampling = form.sampling
    fields: dict[str, Any] = {
        "model": form.model_id,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.n_top_logprobs is not None:
        fields |= {"logprobs": True, "top_logprobs": sampling.n_top_logprobs}
    if form.response_schema:
        fields["response_format"] = _response_format(form, settings.response_format)
    # Not canonical: structured output writes the keys as the schema orders them, and a model that has to give its
    # answer before its steps cannot reason towards it.
    return b"," + json.dumps(fields, separators=(",", ":")).encode()[1:-1] + b',"seed":'


def _response_format(form: RequestForm, kind: str) -> dict[str, Any]:
    if kind == "json_object":
        return {"type": "json_object"}
    schema = {"name": form.task, "schema": dict(form.response_schema), "strict": True}
    return {"type": "json_schema", "json_schema": schema}
