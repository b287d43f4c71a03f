"""The client over real HTTP: every fault that a server can show ends in its reason, an outage in none.

Belongs: the `openai` engine against rehearsed servers, several replicas, the check at the start.
Does not belong: the pure gate (test_gate.py), kills (test_cache.py).
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from medreason.base.errors import BadConfiguration
from medreason.base.reasons import Outcome, Reason
from medreason.chains.engines.openai import constant_body
from medreason.chains.engines.rule_server import ServerSettings
from medreason.chains.engines.vllm import VllmEngine, server_wanted
from medreason.chains.generation.request import RequestForm
from medreason.chains.generation.settings import EngineSettings, VllmSettings
from medreason.chains.tasks import TASKS
from tests.chains.requests_world import TASK, ask, endpoint, open_on, questions, remote

# name: (fault, reason in the end, requests sent for each)
ENDS = {
    "bad request": ("bad-request", Reason.REQUEST_REFUSED, 1),
    "server error": ("server-error", Reason.RETRIES_EXHAUSTED, 3),
    "unavailable": ("unavailable", Reason.RETRIES_EXHAUSTED, 3),
    "redirect": ("redirect", Reason.BAD_ENVELOPE, 3),
    "hang": ("hang", Reason.TIMED_OUT, 3),
    "drip": ("drip", Reason.TIMED_OUT, 3),
    "cut": ("cut", Reason.BAD_ENVELOPE, 3),
    "reset": ("reset", Reason.RETRIES_EXHAUSTED, 3),
    "html": ("html", Reason.BAD_ENVELOPE, 3),
    "not json": ("not-json", Reason.BAD_ENVELOPE, 3),
    "no choices": ("no-choices", Reason.BAD_ENVELOPE, 3),
    "two choices": ("two-choices", Reason.BAD_ENVELOPE, 3),
    "no message": ("no-message", Reason.BAD_ENVELOPE, 3),
    "number as content": ("number-content", Reason.BAD_ENVELOPE, 3),
    "wrong model": ("wrong-model", Reason.WRONG_MODEL, 3),
    "length": ("length", Reason.CUT_SHORT, 1),
    "empty": ("empty", Reason.EMPTY_RESPONSE, 1),
    "null": ("null", Reason.EMPTY_RESPONSE, 1),
    "nul": ("nul", Reason.BAD_TEXT, 1),
    "bidi": ("bidi", Reason.BAD_TEXT, 1),
    "surrogate": ("surrogate", Reason.BAD_TEXT, 1),
    "too long": ("too-long", Reason.RESPONSE_TOO_LONG, 1),
    "malformed": ("malformed", Reason.MALFORMED_RESPONSE, 1),
    "schema mismatch": ("schema-mismatch", Reason.SCHEMA_MISMATCH, 1),
}


@pytest.mark.parametrize(("fault", "reason", "n_sent"), ENDS.values(), ids=ENDS)
def test_a_fault_of_some_requests_condemns_those_alone(fault: str, reason: Reason, n_sent: int, tmp_path: Path) -> None:
    with endpoint() as server:
        settings = remote(server.url, deadline_s=1.0 if fault in ("hang", "drip") else 5.0)
        server.rehearse(f"{fault}:0.2")
        answers = ask(tmp_path, settings, questions(30))
        seen = server.statistics()
        server.rehearse()
        again = ask(tmp_path, settings, questions(30))
        assert server.statistics()["requests"] == 0, "condemned requests were asked again"
    bad = [answer for answer in answers if answer.outcome is not Outcome.OK]
    assert 1 <= len(bad) <= 15
    assert {(answer.outcome, answer.reason) for answer in bad} == {(Outcome.QUARANTINED, reason)}
    n_least = 30 + len(bad) * (n_sent - 1)
    # A refusal in a crowd that was thinned since uses up no attempt.
    is_crowded = fault in ("unavailable", "reset")
    assert n_least <= seen["requests"] <= (2 * n_least if is_crowded else n_least)
    assert again == answers


def test_one_off_errors_cost_one_request_each(tmp_path: Path) -> None:
    with endpoint() as server:
        server.rehearse("error-once:0.3")
        answers = ask(tmp_path, remote(server.url), questions(60))
        seen = server.statistics()
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    assert seen["requests"] == 60 + seen["status"]["500"]
    assert seen["paid_twice"] == 0


def test_a_mended_server_can_be_asked_again_where_one_wants_it(tmp_path: Path) -> None:
    with endpoint() as server:
        server.rehearse("bad-request:0.3")
        before = ask(tmp_path, remote(server.url), questions(30))
        server.rehearse()
        after = ask(tmp_path, remote(server.url, ask_failed_again=True), questions(30))
        n_bad = sum(answer.outcome is Outcome.QUARANTINED for answer in before)
        assert server.statistics()["requests"] == n_bad
    assert n_bad > 0
    assert {answer.outcome for answer in after} == {Outcome.OK}


def test_a_hanging_server_is_left_in_time(tmp_path: Path) -> None:
    with endpoint() as server:
        server.rehearse("hang")
        begun_s = time.monotonic()
        answers = ask(tmp_path, remote(server.url, deadline_s=0.3, max_attempts=2), questions(2))
    assert time.monotonic() - begun_s < 0.3 * 2 + 2.0
    assert {answer.outcome for answer in answers} == {Outcome.DEFERRED}, "nobody was answered: an outage"


# --- outages ---------------------------------------------------------------------------------------------------------

OUTAGES = {
    "every answer an error": "server-error",
    "every answer html": "html",
    "every answer another model's": "wrong-model",
    "the key is refused": "unauthorized",
    "the model is gone": "not-found",
    "every request is refused": "bad-request",
}


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("concurrency", [4, 64])
def test_an_outage_defers_everything_and_condemns_nothing(fault: str, concurrency: int, tmp_path: Path) -> None:
    with endpoint() as server:
        settings = remote(server.url, concurrency=concurrency, max_attempts=6)
        ask(tmp_path, settings, questions(10))
        server.rehearse(fault)
        down = ask(tmp_path, settings, questions(200))
        n_tried = server.statistics()["requests"]
        server.rehearse()
        up = ask(tmp_path, settings, questions(200))
        assert server.statistics()["requests"] == 190
    assert Counter(answer.outcome for answer in down) == {Outcome.OK: 10, Outcome.DEFERRED: 190}
    assert n_tried < 190, "an open breaker sends nothing more"
    assert {answer.outcome for answer in up} == {Outcome.OK}


def test_nobody_there_defers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answers = ask(tmp_path, remote(f"http://127.0.0.1:{port}/v1"), questions(5))
    assert {(answer.outcome, answer.detail) for answer in answers} == {(Outcome.DEFERRED, "no replica can be reached")}


def test_rows_that_fail_every_time_are_condemned_though_they_are_all_that_is_left(tmp_path: Path) -> None:
    with endpoint() as server:
        server.rehearse("server-error:0.9")
        answers = ask(tmp_path, remote(server.url, failures_before_probe=5), questions(80))
        seen = server.statistics()
    assert {answer.outcome for answer in answers} == {Outcome.OK, Outcome.QUARANTINED}
    assert {answer.reason for answer in answers} == {None, Reason.RETRIES_EXHAUSTED}
    assert seen["probes"] > 0


def test_rows_that_are_refused_are_condemned_though_there_are_no_others(tmp_path: Path) -> None:
    with endpoint() as server:
        server.rehearse("bad-request:0.9")
        refused = {
            answer.request_sha256: question
            for question, answer in zip(
                questions(60), ask(tmp_path / "a", remote(server.url), questions(60)), strict=True
            )
            if answer.outcome is Outcome.QUARANTINED
        }
        n_probes = server.statistics()["probes"]
        answers = ask(tmp_path / "b", remote(server.url), list(refused.values()))
        assert server.statistics()["probes"] == n_probes + 1, "one of their form, which is not refused"
    assert len(refused) > 40
    assert {answer.reason for answer in answers} == {Reason.REQUEST_REFUSED}


def test_an_outage_in_the_middle_keeps_what_came_before(tmp_path: Path) -> None:
    with endpoint() as server:
        with open_on(tmp_path, remote(server.url)) as generator:
            generator.ask(TASK, questions(50))
            server.rehearse("unavailable")
            down = generator.ask(TASK, questions(100))
            server.rehearse()
            up = generator.ask(TASK, questions(100))
        assert server.statistics()["requests"] == 50
    assert Counter(answer.outcome for answer in down) == {Outcome.OK: 50, Outcome.DEFERRED: 50}
    assert Counter(answer.outcome for answer in up) == {Outcome.OK: 100}


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_storm_of_429_condemns_nothing_and_ends_in_time(tmp_path: Path) -> None:
    with endpoint(ServerSettings(requests_per_second=100)) as server:
        begun_s = time.monotonic()
        answers = ask(tmp_path, remote(server.url, concurrency=32), questions(400))
        took_s, seen = time.monotonic() - begun_s, server.statistics()
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    assert seen["status"]["429"] > 0
    assert took_s <= 400 / 100 * 1.2 + 1.0, "one second for what is no storm: start, end, a busy machine"


def test_patience_with_429_ends_in_a_deferral(tmp_path: Path) -> None:
    with endpoint() as server:
        server.rehearse("too-many-requests")
        answers = ask(tmp_path, remote(server.url, limit_patience_s=0.5), questions(3))
    assert {answer.outcome for answer in answers} == {Outcome.DEFERRED}


# --- replicas --------------------------------------------------------------------------------------------------------


def test_replicas_share_the_work_and_one_may_die(tmp_path: Path) -> None:
    with endpoint(ServerSettings(latency_ms=5)) as one, endpoint(ServerSettings(latency_ms=5)) as other:
        settings = remote(one.url, other.url, concurrency=4)
        ask(tmp_path / "a", settings, questions(100))
        shares = [one.statistics()["requests"], other.statistics()["requests"]]
        one.rehearse("reset")
        other.rehearse()
        answers = ask(tmp_path / "b", settings, questions(100))
        assert other.statistics()["requests"] == 100
    assert sum(shares) == 100
    assert min(shares) > 20
    assert {answer.outcome for answer in answers} == {Outcome.OK}


def test_no_more_than_asked_for_is_in_flight(tmp_path: Path) -> None:
    with endpoint(ServerSettings(latency_ms=5)) as server:
        ask(tmp_path, remote(server.url, concurrency=7), questions(60))
        assert server.statistics()["most_in_flight"] == 7


# --- start -----------------------------------------------------------------------------------------------------------


def test_a_server_of_another_model_is_refused_before_the_first_request(tmp_path: Path) -> None:
    with endpoint(ServerSettings(model="another")) as server:
        with pytest.raises(BadConfiguration, match="serves another, not rule"):
            ask(tmp_path, remote(server.url), questions(3))
        assert server.statistics()["requests"] == 0


def test_a_key_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDREASON_TEST_KEY", raising=False)
    with endpoint() as server, pytest.raises(BadConfiguration, match="MEDREASON_TEST_KEY is not set"):
        ask(tmp_path, remote(server.url, api_key_env="MEDREASON_TEST_KEY"), questions(1))


def test_a_key_is_written_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setenv("MEDREASON_TEST_KEY", "sk-canary-0815")
    with endpoint() as server:
        server.rehearse("bad-request:0.3", "html:0.3")
        with caplog.at_level("DEBUG"):
            answers = ask(tmp_path, remote(server.url, api_key_env="MEDREASON_TEST_KEY"), questions(20))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"sk-canary" not in files
    assert "sk-canary" not in caplog.text + repr(answers)


def test_the_schema_that_is_sent_keeps_its_order() -> None:
    """Structured output writes keys in this order: a chain's steps come before its answer."""
    settings = EngineSettings(kind="vllm", model="m", revision="r")
    form = RequestForm.of(
        task="write",
        model_id="m",
        model_revision="r",
        sampling=settings.sampling_of("write"),
        response_schema=settings.schema_sent(TASKS["write"].schema),
        template_sha256="0",
    )
    body = json.loads(b"{" + constant_body(form, settings)[1:] + b"0}")
    names = list(body["response_format"]["json_schema"]["schema"]["properties"])
    assert names.index("steps") < names.index("conclusion") < names.index("answer")


# --- vllm ------------------------------------------------------------------------------------------------------------


def test_vllm_is_brought_up_once_and_only_when_it_is_needed(tmp_path: Path) -> None:
    calls = []
    settings = EngineSettings(kind="vllm", model="rule", revision="r1", concurrency=8)
    with endpoint() as server:

        def bring_up(wanted: EngineSettings) -> list[str]:
            calls.append(wanted.model)
            return [server.url]

        with open_on(tmp_path, settings, bring_up=bring_up) as generator:
            assert calls == []
            first = generator.ask(TASK, questions(10))
            generator.ask(TASK, questions(20))
        with open_on(tmp_path, settings, bring_up=bring_up) as generator:
            assert generator.ask(TASK, questions(10)) == first
    assert calls == ["rule"]
    assert {answer.engine_kind for answer in first} == {"vllm"}


def test_vllm_without_a_cluster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="needs a Ray cluster"):
        open_on(tmp_path, EngineSettings(kind="vllm", model="m", revision="r"))


WANTED = {
    "hub model on a GPU": (
        {"model": "org/m", "vllm": VllmSettings(n_gpus_per_replica=2, tensor_parallel_size=2)},
        ["--model org/m --revision r --tokenizer-revision r", "--tensor-parallel-size 2", "--gpu-memory-utilization"],
        ["--enforce-eager", "--enable-lora"],
    ),
    "folder on CPUs": (
        {"model": "/models/tiny", "vllm": VllmSettings(dtype="bfloat16", max_model_len=512)},
        ["--model /models/tiny --dtype bfloat16", "--max-model-len 512", "--enforce-eager"],
        ["--revision", "--gpu-memory-utilization"],
    ),
    "adapter": (
        {"model": "mine", "vllm": VllmSettings(base_model="org/m", lora_path="/adapters/a")},
        ["--model org/m --enable-lora --lora-modules mine=/adapters/a", "--revision r"],
        [],
    ),
}


@pytest.mark.parametrize(("settings", "present", "absent"), WANTED.values(), ids=WANTED)
def test_the_server_that_is_wanted(settings: dict[str, Any], present: list[str], absent: list[str]) -> None:
    wanted = server_wanted(EngineSettings(kind="vllm", revision="r", **settings), host="127.0.0.1", port=8000)
    line = " ".join(wanted.arguments)
    assert all(part in line for part in (*present, "--host 127.0.0.1 --port 8000"))
    assert not any(part in line for part in absent)
    assert wanted.module == "vllm.entrypoints.openai.api_server"


def test_the_engine_is_lazy() -> None:
    engine = VllmEngine(EngineSettings(kind="vllm", model="m", revision="r"), lambda _: pytest.fail("brought up"))
    engine.answer(iter([]), lambda _: None)
