"""What goes over the wire, and where: seen by servers of the tests' own, byte by byte.

Belongs: headers and bodies that are sent, places that nothing is sent to, pauses that are kept, bodies without end.
Does not belong: what becomes of bad replies (test_engines_openai.py), the gate (test_gate.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from medreason.base.errors import BadConfiguration
from medreason.base.reasons import Outcome, Reason
from medreason.chains.engines.replicas import Replica
from medreason.chains.generation.gate import MAX_BODY_BYTES, Trouble, Whose, not_reached, timed_out
from medreason.chains.generation.progress import ProgressState
from medreason.chains.generation.request import Response
from medreason.chains.generation.settings import EngineSettings, PriceTable, SamplingSettings
from tests.chains.requests_world import TASK, ask, open_on, questions, remote

KEY = "sk-canary-4711"


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    def asked(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


Reply = Callable[["Wire", web.Request, Seen], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Wire:
    """A server that keeps what it was sent."""

    reply: Reply
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    n_in_flight: int = 0

    @property
    def completions(self) -> list[Seen]:
        return [one for one in self.seen if one.path.endswith("/chat/completions")]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(path=request.path, headers=dict(request.headers), body=await request.read(), at_s=time.monotonic())
        self.seen.append(seen)
        self.n_in_flight += 1
        try:
            return await self.reply(self, request, seen)
        finally:
            self.n_in_flight -= 1


@contextlib.contextmanager
def wire(reply: Reply) -> Iterator[Wire]:
    """A server on a loopback port, in a thread, that takes every path."""
    made, loop, is_up = Wire(reply=reply), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{rest:.*}", made.handle)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        is_up.set()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    serving = loop.create_task(serve())

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert is_up.wait(10)
        yield made
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(10)


def completion(*, model: str = "rule", usage: Any = None, **choice: Any) -> web.Response:
    """A good answer to the tests' task."""
    good = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"verdict": "correct"}'}}
    counted = usage or {"prompt_tokens": 10, "completion_tokens": 5}
    return web.json_response({"model": model, "choices": [good | choice], "usage": counted})


async def good(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
    if seen.path.endswith("/models"):
        return web.json_response({"data": [{"id": "rule"}]})
    return completion()


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_the_key_goes_into_one_header_of_each_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDREASON_TEST_KEY", KEY)
    with wire(good) as server:
        ask(tmp_path, remote(server.url, api_key_env="MEDREASON_TEST_KEY"), questions(3))
    assert len(server.completions) == 3
    assert {one.headers.get("Authorization") for one in server.seen} == {f"Bearer {KEY}"}
    for one in server.seen:
        others = {name: value for name, value in one.headers.items() if name != "Authorization"}
        assert KEY not in json.dumps(others) + one.path + one.body.decode()


def test_without_a_key_no_header_says_so(tmp_path: Path) -> None:
    with wire(good) as server:
        ask(tmp_path, remote(server.url), questions(1))
    assert all("Authorization" not in one.headers for one in server.seen)


def test_seeds_stop_strings_log_probabilities_and_schema_are_sent(tmp_path: Path) -> None:
    sampling = SamplingSettings(temperature=0.7, top_p=0.9, max_tokens=99, stop=("END",), n_top_logprobs=3)
    with wire(good) as server:
        ask(tmp_path, remote(server.url, sampling=sampling), questions(4), n=3)
    bodies = [one.asked() for one in server.completions]
    assert len({json.dumps(body["messages"]) for body in bodies}) == 4
    assert len({body["seed"] for body in bodies}) == 12, "each of several samples has a seed of its own"
    wanted = {
        "model": "rule",
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 99,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 3,
    }
    for body in bodies:
        assert {name: body[name] for name in wanted} == wanted
        assert body["response_format"]["json_schema"]["schema"] == TASK.schema
        assert body.keys() == {*wanted, "messages", "seed", "response_format"}


FORMATS = {"json_object": {"type": "json_object"}, "none": None}


@pytest.mark.parametrize("form", FORMATS)
def test_servers_without_schemas_are_asked_for_less(form: Any, tmp_path: Path) -> None:
    with wire(good) as server:
        ask(tmp_path, remote(server.url, response_format=form), questions(1))
    assert server.completions[0].asked().get("response_format") == FORMATS[form]


def test_what_was_not_asked_for_is_not_sent(tmp_path: Path) -> None:
    with wire(good) as server:
        ask(tmp_path, remote(server.url), questions(1))
    assert not {"stop", "logprobs", "top_logprobs", "n"} & server.completions[0].asked().keys()


def test_log_probabilities_are_kept_with_the_answer(tmp_path: Path) -> None:
    told = {"content": [{"token": "{", "logprob": -0.25, "top_logprobs": []}]}

    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        return completion(logprobs=told) if seen.path.endswith("/completions") else await good(server, request, seen)

    with wire(reply) as server:
        sampling = SamplingSettings(n_top_logprobs=0)
        (answer,) = ask(tmp_path, remote(server.url, sampling=sampling), questions(1))
    with open_on(tmp_path, remote(server.url)) as generator:
        (record,) = generator.cache.get_many([answer.request_sha256]).values()
    assert Response.from_bytes(record.body).logprobs == told


def test_a_server_may_report_the_name_that_the_configuration_says(tmp_path: Path) -> None:
    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        named = seen.path.endswith("/completions")
        return completion(model="rule-2026-11-20") if named else await good(server, request, seen)

    with wire(reply) as server:
        told = ask(tmp_path / "a", remote(server.url, response_model="rule-2026-11-20"), questions(2))
        untold = ask(tmp_path / "b", remote(server.url), questions(2))
    assert {answer.response_model for answer in told} == {"rule-2026-11-20"}
    assert {answer.outcome for answer in told} == {Outcome.OK}
    assert {answer.outcome for answer in untold} == {Outcome.DEFERRED}, "no answer had the right name: an outage"


def test_the_budget_holds_though_every_answer_is_at_its_longest(tmp_path: Path) -> None:
    """64 at once: what is in flight counts at its dearest, so that no reply can pass the limit."""
    prices = PriceTable(version="1", prompt_usd_per_million=1.0, completion_usd_per_million=10.0)

    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        if seen.path.endswith("/models"):
            return await good(server, request, seen)
        await asyncio.sleep(0.02)
        asked = seen.asked()
        n_bytes = len(json.dumps(asked["messages"], ensure_ascii=False).encode())
        return completion(usage={"prompt_tokens": n_bytes, "completion_tokens": asked["max_tokens"]})

    with wire(reply) as server:
        settings = remote(server.url, concurrency=64, prices=prices, budget_usd=0.05)
        with open_on(tmp_path, settings) as generator:
            answers = generator.ask(TASK, questions(100))
            spent_usd = generator.ledger.cost_nano_usd / 1e9
    n_ok = sum(answer.outcome is Outcome.OK for answer in answers)
    assert 1 <= n_ok < 100
    assert 0.02 < spent_usd <= 0.05
    assert len(server.completions) == n_ok


def test_tokens_in_and_out_have_their_own_price(tmp_path: Path) -> None:
    prices = PriceTable(version="1", prompt_usd_per_million=1.0, completion_usd_per_million=3.0)
    states: list[ProgressState] = []
    with wire(good) as server, open_on(tmp_path, remote(server.url, prices=prices), watcher=states.append) as generator:
        generator.ask(TASK, questions(4))
        summary = generator.ledger.summary()
    assert generator.ledger.cost_nano_usd == 4 * (10 * 1000 + 5 * 3000)
    assert summary["cost_usd"] == 100_000 / 1e9
    assert (summary["prompt_tokens"], summary["completion_tokens"]) == (40, 20)
    assert states[-1].cost_nano_usd == 100_000
    assert "0.00 USD" in states[-1].line()


# --- where nothing is sent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/models", "/completions"])
def test_nobody_is_led_elsewhere(status: int, path: str, tmp_path: Path) -> None:
    """A redirect could lead off the machine: text of local-only sources would follow."""
    with wire(good) as elsewhere:

        async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
            if seen.path.endswith(path):
                return web.Response(status=status, headers={"Location": elsewhere.url + seen.path.removeprefix("/v1")})
            return await good(server, request, seen)

        with wire(reply) as server:
            answers = ask(tmp_path, remote(server.url, max_attempts=1), questions(2))
    assert elsewhere.seen == []
    assert server.seen
    assert {answer.outcome for answer in answers} == {Outcome.DEFERRED}


def test_proxies_of_the_environment_see_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with wire(good) as proxy, wire(good) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        answers = ask(tmp_path, remote(server.url), questions(3))
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    assert proxy.seen == []
    assert len(server.completions) == 3


# --- pauses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [503, 429])
def test_a_pause_that_the_server_asks_for_is_kept(status: int, tmp_path: Path) -> None:
    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        if seen.path.endswith("/completions") and len(server.completions) == 1:
            return web.Response(status=status, headers={"Retry-After": "2"})
        return await good(server, request, seen)

    with wire(reply) as server:
        answers = ask(tmp_path, remote(server.url, concurrency=1), questions(1))
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    first, second = (one.at_s for one in server.completions)
    assert second - first >= 1.9


def test_a_server_that_takes_few_at_once_is_given_fewer(tmp_path: Path) -> None:
    """503 above four at a time: without giving it less, most rows would run out of attempts."""

    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        if server.n_in_flight > 4:
            return web.Response(status=503)
        await asyncio.sleep(0.01)
        return await good(server, request, seen)

    with wire(reply) as server:
        settings = remote(server.url, concurrency=64, max_attempts=4)
        answers = ask(tmp_path, settings, questions(300))
    assert {answer.outcome for answer in answers} == {Outcome.OK}


OUTCOMES: dict[str, tuple[Response | Trouble, float]] = {
    "a timeout": (timed_out(1.0), 32.0),
    "a broken connection": (not_reached("X"), 32.0),
    "overload": (Trouble(whose=Whose.SERVER, reason=Reason.RETRIES_EXHAUSTED, detail="", is_overload=True), 32.0),
    "an error that is none of too much": (Trouble(whose=Whose.SERVER, reason=Reason.BAD_ENVELOPE, detail=""), 64.0),
    "a bad request": (Trouble(whose=Whose.REQUEST, reason=Reason.REQUEST_REFUSED, detail=""), 64.0),
    "a limit, which has a pace of its own": (
        Trouble(whose=Whose.LIMIT, reason=Reason.RETRIES_EXHAUSTED, detail=""),
        64.0,
    ),
}


@pytest.mark.parametrize(("outcome", "allowed"), OUTCOMES.values(), ids=OUTCOMES)
def test_what_a_replica_learns(outcome: Response | Trouble, allowed: float) -> None:
    (replica,) = Replica.all_of(["http://127.0.0.1:1/v1"], 64)
    replica.n_in_flight = 1
    assert replica.learn(outcome, now_s=100.0, sent_s=99.0)
    assert replica.limit.now_allowed == allowed
    assert replica.n_in_flight == 0


def test_a_refusal_in_a_crowd_that_was_thinned_since_is_no_attempt() -> None:
    (replica,) = Replica.all_of(["http://127.0.0.1:1/v1"], 64)
    overload = OUTCOMES["overload"][0]
    assert replica.learn(overload, now_s=100.0, sent_s=99.0)
    assert not replica.learn(overload, now_s=100.1, sent_s=99.0)
    assert replica.learn(timed_out(1.0), now_s=100.1, sent_s=99.0), "it has cost its whole deadline"
    assert replica.limit.now_allowed == 32.0
    assert replica.learn(overload, now_s=100.2, sent_s=100.1)
    assert replica.limit.now_allowed == 16.0


def test_a_replica_that_fails_again_and_again_rests_where_there_is_another() -> None:
    for urls, wait_s in ((["http://127.0.0.1:1/v1"], 0.0), (["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"], 5.0)):
        replica = Replica.all_of(urls, 64)[0]
        for _ in range(2):
            replica.learn(not_reached("X"), now_s=100.0, sent_s=99.0)
        assert replica.wait_s(100.0) == 0.0
        replica.learn(not_reached("X"), now_s=100.0, sent_s=99.0)
        assert replica.wait_s(100.0) == wait_s
        assert replica.wait_s(105.0) == 0.0


def test_answers_give_a_replica_more_again() -> None:
    (replica,) = Replica.all_of(["http://127.0.0.1:1/v1"], 64)
    replica.learn(timed_out(1.0), now_s=100.0, sent_s=99.0)
    answer = Response(
        content="", finish_reason="stop", response_model="", prompt_tokens=0, completion_tokens=0, engine_kind=""
    )
    for _ in range(33):
        replica.learn(answer, now_s=101.0, sent_s=100.5)
    assert 32.9 < replica.limit.now_allowed < 34


def test_a_machine_that_takes_no_connection_is_left_in_time(tmp_path: Path) -> None:
    """Nobody accepts and the queue is full: the kernel answers nothing, as a dead machine's would."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as filling:
        address = server.getsockname()
        for _ in range(4):
            client = filling.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(address)
        begun_s = time.monotonic()
        settings = remote(f"http://127.0.0.1:{address[1]}/v1", connect_timeout_s=0.2, deadline_s=60.0)
        answers = ask(tmp_path, settings, questions(2))
    assert time.monotonic() - begun_s < 10.0
    assert {answer.detail for answer in answers} == {"no replica can be reached"}


# --- bodies without end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/completions", "/models"])
def test_a_body_without_end_is_left(path: str, tmp_path: Path) -> None:
    n_sent = 0

    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        nonlocal n_sent
        if not seen.path.endswith(path):
            return await good(server, request, seen)
        n_sent = 0
        endless = web.StreamResponse()
        await endless.prepare(request)
        while n_sent < 20 * MAX_BODY_BYTES:
            await endless.write(b" " * 2**20)
            n_sent += 2**20
        return endless

    with wire(reply) as server:
        (answer,) = ask(tmp_path, remote(server.url, deadline_s=60.0, max_attempts=1), questions(1))
    assert answer.outcome is Outcome.DEFERRED
    assert n_sent < 4 * MAX_BODY_BYTES, "what the kernel holds comes on top"
    if path == "/completions":
        assert "the body is too large" in answer.detail


def test_a_parameter_that_a_server_does_not_know_condemns_no_row(tmp_path: Path) -> None:
    """Every request is refused, for what all of them have in common: the next run, mended, asks them."""

    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        if seen.path.endswith("/completions") and "response_format" in seen.asked():
            return web.json_response({"error": {"code": "unsupported_parameter"}}, status=400)
        return await good(server, request, seen)

    with wire(reply) as server:
        down = ask(tmp_path, remote(server.url, failures_before_probe=5), questions(100))
        n_sent = len(server.completions)
        few = ask(tmp_path, remote(server.url), questions(2))
        up = ask(tmp_path, remote(server.url, response_format="none"), questions(100))
    said = "the endpoint refuses every request of task judge, whatever it says: HTTP 400 unsupported_parameter"
    assert {(answer.outcome, answer.detail) for answer in (*down, *few)} == {(Outcome.DEFERRED, said)}
    assert n_sent < 40
    assert {answer.outcome for answer in up} == {Outcome.OK}


def test_a_gateway_with_hundreds_of_models_is_told_in_a_line(tmp_path: Path) -> None:
    async def reply(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
        return web.json_response({"data": [{"id": f"{number:03} " + "x" * 300} for number in range(400)]})

    with wire(reply) as server, pytest.raises(BadConfiguration, match=r"004 x+ and 395 more, not rule") as caught:
        ask(tmp_path, remote(server.url), questions(1))
    assert len(str(caught.value)) < 1000


def test_settings_hold_the_name_of_a_key_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDREASON_TEST_KEY", KEY)
    settings = EngineSettings(
        kind="openai", base_urls=("http://127.0.0.1:1/v1",), model="m", revision="r", api_key_env="MEDREASON_TEST_KEY"
    )
    assert settings.api_key() == KEY
    assert KEY not in settings.model_dump_json() + repr(settings)
