"""An OpenAI-compatible server over the rule engine, for rehearsals and tests.

Belongs: the HTTP side: completions, models, statistics, faults on demand; loopback only.
Does not belong: the rules (tasks/), the choice of faults (rehearsal.py), arguments (cli/serve_rules.py).
Rule: it answers from the messages alone, like a model, and it is no server for production.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from medreason.base.errors import BadConfiguration
from medreason.chains.engines.openai import PROBE_MESSAGE
from medreason.chains.engines.rehearsal import BODY_FAULTS, STATUS_FAULTS, RehearsedFault, broken_body, parse_fault
from medreason.chains.engines.rule import MODEL_ID, RuleEngine

if TYPE_CHECKING:
    from aiohttp import web

_DRIP_S = 0.05
_HANG_S = 3600.0
_MAX_REQUEST_BYTES = 4 * 2**20


@dataclass(slots=True, kw_only=True)
class ServerSettings:
    """What the server does beside answering."""

    faults: tuple[RehearsedFault, ...] = ()
    latency_ms: float = 0.0
    """Median time to an answer."""
    latency_sigma: float = 0.0
    """Of its logarithm: 0 is fixed, 0.5 gives every tenth answer about twice the median."""
    requests_per_second: int = 0
    """Above this, 429 with Retry-After 1; 0 is no limit."""
    model: str = MODEL_ID


@dataclass(slots=True, kw_only=True)
class Statistics:
    """What the server saw."""

    seen: Counter[bytes] = field(default_factory=Counter)
    """Requests by prompt hash."""
    answered: Counter[bytes] = field(default_factory=Counter)
    """Good answers by prompt hash."""
    status: Counter[int] = field(default_factory=Counter)
    by_second: Counter[int] = field(default_factory=Counter)
    n_probes: int = 0
    n_in_flight: int = 0
    most_in_flight: int = 0
    first_s: float | None = None
    last_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Counts for tests and for people."""
        return {
            "requests": self.seen.total(),
            "distinct": len(self.seen),
            "answered": self.answered.total(),
            "distinct_answered": len(self.answered),
            "paid_twice": self.answered.total() - len(self.answered),
            "probes": self.n_probes,
            "most_in_flight": self.most_in_flight,
            "status": {str(code): n for code, n in sorted(self.status.items())},
            "window_s": self.last_s - self.first_s if self.first_s is not None else 0.0,
        }


class RuleServer:
    """One server. `application()` gives what aiohttp runs."""

    def __init__(self, settings: ServerSettings, engine: RuleEngine | None = None) -> None:
        """Args: engine answers; by default the platform's rules."""
        self.settings, self.statistics = settings, Statistics()
        self._engine = engine or RuleEngine()
        self._task_by_system: dict[str, str] = {}

    def application(self) -> web.Application:
        """Routes: the two of the protocol, and `/rehearsal` to look at and to change what goes on."""
        from aiohttp import web

        application = web.Application(client_max_size=_MAX_REQUEST_BYTES)
        application.router.add_post("/v1/chat/completions", self._complete)
        application.router.add_get("/v1/models", self._models)
        application.router.add_get("/rehearsal", self._report)
        application.router.add_post("/rehearsal", self._change)
        return application

    # --- protocol ----------------------------------------------------------------------------------------------------

    async def _models(self, request: web.Request) -> web.StreamResponse:
        entry = {"id": self.settings.model, "object": "model", "created": 0, "owned_by": "medreason"}
        return _json_reply({"object": "list", "data": [entry]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        statistics, body = self.statistics, await request.read()
        if _is_probe(body):
            return self._answer_probe()
        prompt = hashlib.sha256(body).digest()
        now_s = time.perf_counter()
        statistics.first_s = now_s if statistics.first_s is None else statistics.first_s
        statistics.seen[prompt] += 1
        statistics.n_in_flight += 1
        statistics.most_in_flight = max(statistics.most_in_flight, statistics.n_in_flight)
        try:
            reply = await self._reply(request, body, prompt, now_s)
            statistics.status[reply.status] += 1
            return reply
        finally:
            statistics.n_in_flight -= 1
            statistics.last_s = time.perf_counter()

    async def _reply(self, request: web.Request, body: bytes, prompt: bytes, now_s: float) -> web.StreamResponse:
        if self._is_over_limit(now_s):
            return _error(429, retry_after="1")
        await asyncio.sleep(self._latency_s(prompt))
        fault = next((one.name for one in self.settings.faults if one.meets(prompt)), "")
        if fault == "error-once" and self.statistics.seen[prompt] > 1:
            fault = ""
        if fault in STATUS_FAULTS:
            return _error(STATUS_FAULTS[fault], retry_after="1" if fault == "too-many-requests" else "")
        envelope = self._envelope(body)
        if envelope is None:
            return _error(400)
        if fault:
            return await _faulty_reply(request, fault, envelope)
        self.statistics.answered[prompt] += 1
        return _json_reply(envelope)

    def _answer_probe(self) -> web.StreamResponse:
        """Faults that meet every prompt meet this one too; it is counted apart."""
        self.statistics.n_probes += 1
        fault = next((one.name for one in self.settings.faults if one.share >= 1.0), "")
        if fault in STATUS_FAULTS:
            return _error(STATUS_FAULTS[fault])
        envelope = _completion(self.settings.model, "yes", 8)
        if not fault:
            return _json_reply(envelope)
        from aiohttp import web

        return web.Response(body=broken_body(fault if fault in BODY_FAULTS else "not-json", envelope))

    def _is_over_limit(self, now_s: float) -> bool:
        if not self.settings.requests_per_second:
            return False
        self.statistics.by_second[int(now_s)] += 1
        return self.statistics.by_second[int(now_s)] > self.settings.requests_per_second

    def _latency_s(self, prompt: bytes) -> float:
        """Log-normal about the median, drawn by the prompt's hash."""
        if not self.settings.latency_sigma:
            return self.settings.latency_ms / 1000
        share = (int.from_bytes(prompt[:4], "big") + 0.5) / 2**32
        return self.settings.latency_ms / 1000 * math.exp(self.settings.latency_sigma * NormalDist().inv_cdf(share))

    def _envelope(self, body: bytes) -> dict[str, Any] | None:
        """A chat completion; None for what is no request of ours."""
        try:
            asked = json.loads(body)
            messages: Sequence[Mapping[str, str]] = asked["messages"]
            content = self._engine.content(self._task_of(messages), messages)
        except (ValueError, KeyError, TypeError, IndexError):
            return None
        return _completion(self.settings.model, content, sum(len(message["content"]) for message in messages))

    def _task_of(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The task whose template made these messages, told by its system part."""
        if not self._task_by_system:
            self._task_by_system = {
                task.template.render("")[0]["content"]: name for name, task in self._engine.tasks().items()
            }
        return self._task_by_system[messages[0]["content"]]

    # --- rehearsal ---------------------------------------------------------------------------------------------------

    async def _report(self, request: web.Request) -> web.StreamResponse:
        return _json_reply(self.statistics.as_json())

    async def _change(self, request: web.Request) -> web.StreamResponse:
        """Body: ``{"faults": ["html:0.1"], "latency_ms": 50, ...}``; keys that are left out stay. Counts begin anew."""
        wanted = await request.json()
        try:
            if "faults" in wanted:
                self.settings.faults = tuple(parse_fault(text) for text in wanted.pop("faults"))
            for name, value in wanted.items():
                setattr(self.settings, name, value)
        except (BadConfiguration, AttributeError) as error:
            return _json_reply({"error": {"message": str(error)}}, status=400)
        self.statistics = Statistics()
        return _json_reply({})


def _is_probe(body: bytes) -> bool:
    """Clients that want to know whether a server lives ask for one token, or send what no row says."""
    try:
        asked = json.loads(body)
        return bool(asked["max_tokens"] == 1 or asked["messages"] == [PROBE_MESSAGE])
    except (ValueError, KeyError, TypeError):
        return False


def _completion(model: str, content: str, n_characters: int) -> dict[str, Any]:
    n_prompt, n_completion = n_characters // 4 + 1, len(content) // 4 + 1
    return {
        "id": "rule",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {
            "prompt_tokens": n_prompt,
            "completion_tokens": n_completion,
            "total_tokens": n_prompt + n_completion,
        },
    }


async def _faulty_reply(request: web.Request, fault: str, envelope: dict[str, Any]) -> web.StreamResponse:
    from aiohttp import web

    if fault in BODY_FAULTS:
        kind = "text/html" if fault == "html" else "application/json"
        return web.Response(body=broken_body(fault, envelope), content_type=kind)
    if fault == "hang":
        await asyncio.sleep(_HANG_S)
    return await _broken_wire(request, fault, json.dumps(envelope).encode("ascii"))


async def _broken_wire(request: web.Request, fault: str, body: bytes) -> web.StreamResponse:
    """Begins a good reply and drips it, or ends the connection half-way."""
    from aiohttp import web

    reply = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    if fault != "reset":
        await reply.prepare(request)
        await reply.write(body[: len(body) // 2])
    for index in range(len(body) // 2, len(body)) if fault == "drip" else ():
        await asyncio.sleep(_DRIP_S)
        await reply.write(body[index : index + 1])
    if fault in ("cut", "reset") and request.transport is not None:
        request.transport.close()
    return reply


def _json_reply(value: Any, *, status: int = 200) -> web.Response:
    from aiohttp import web

    return web.Response(body=json.dumps(value).encode("ascii"), status=status, content_type="application/json")


def _error(status: int, *, retry_after: str = "") -> web.Response:
    reply = _json_reply({"error": {"message": "rehearsed", "type": "rehearsed", "code": None}}, status=status)
    if retry_after:
        reply.headers["Retry-After"] = retry_after
    if status == STATUS_FAULTS["redirect"]:
        reply.headers["Location"] = "http://203.0.113.1/v1/chat/completions"
    return reply


def require_loopback(host: str) -> None:
    """Raises: BadConfiguration for an address that others could reach."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise BadConfiguration(
            f"{host} can be reached from other machines",
            where="--host",
            remedy="Use 127.0.0.1: the server has no authentication and is for rehearsals.",
        )


async def serve(server: RuleServer, host: str, port: int, announce: Any) -> None:
    """Serve until cancelled; `announce(url)` is called once the port is open (0 takes a free one)."""
    from aiohttp import web

    require_loopback(host)
    # Dropped with its client: a hanging handler must not outlive the connection.
    runner = web.AppRunner(server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        announce(f"http://{host}:{runner.addresses[0][1]}/v1")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
