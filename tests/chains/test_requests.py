"""Requests: the key, seeds, and what `Generator.ask` promises, by rule and over HTTP.

Belongs: identity of requests, each asked once, answers in order, budget, forecast, progress, egress.
Does not belong: faults of the server (test_engines_openai.py), the gate (test_gate.py), kills (test_cache_kill.py).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.canonical import canonical_json, sha256_bytes
from medreason.base.errors import BadConfiguration, BadInput, EgressRefused
from medreason.base.reasons import Outcome, Reason
from medreason.base.store import open_store
from medreason.chains.engines import rule
from medreason.chains.fault import Fault
from medreason.chains.generation.ledger import Ledger, Purse, costs, gathered, store_ledger
from medreason.chains.generation.progress import JobProgress, ProgressState, Tally
from medreason.chains.generation.request import RequestForm, Sampling, make_request
from medreason.chains.generation.settings import EngineSettings, PriceTable, SamplingSettings
from tests.chains.requests_world import TASK, ask, endpoint, open_on, question, questions, remote

FORM = {
    "task": "judge",
    "model_id": "m",
    "model_revision": "r",
    "sampling": Sampling(),
    "response_schema": {"type": "object"},
    "template_sha256": "00",
}
MESSAGES = [{"role": "user", "content": "fever"}]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(contents=st.lists(TEXT, min_size=1, max_size=3), revision=TEXT, sample_no=st.integers(0, 10**6))
def test_the_key_is_the_rfc_8785_hash_of_what_the_model_sees(
    contents: list[str], revision: str, sample_no: int
) -> None:
    form = RequestForm.of(**FORM | {"model_revision": revision})
    messages = [{"role": "user", "content": text} for text in contents]
    request = make_request(form, messages, sample_no)

    value = {
        "messages": messages,
        "model_id": "m",
        "model_revision": revision,
        "response_schema": {"type": "object"},
        "sampling": Sampling().as_json(),
        "seed": request.seed,
        "task": "judge",
        "template_sha256": "00",
    }
    assert request.canonical() == canonical_json(value)
    assert request.sha256 == sha256_bytes(request.canonical())
    assert request.messages == messages
    assert 0 <= request.seed < 2**31


CHANGES = {
    "task": "answer",
    "model_id": "n",
    "model_revision": "s",
    "sampling": Sampling(temperature=0.5),
    "response_schema": {"type": "string"},
    "template_sha256": "01",
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_what_decides_the_answer_is_another_key(field: str) -> None:
    one = make_request(RequestForm.of(**FORM), MESSAGES)
    other = make_request(RequestForm.of(**FORM | {field: CHANGES[field]}), MESSAGES)
    assert one.sha256 != other.sha256


def test_samples_are_requests_of_their_own() -> None:
    requests = [make_request(RequestForm.of(**FORM), MESSAGES, sample_no) for sample_no in range(5)]
    assert len({request.sha256 for request in requests}) == 5
    assert len({request.seed for request in requests}) == 5


def test_a_lone_surrogate_has_no_key() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        make_request(RequestForm.of(**FORM), [{"role": "user", "content": "\ud800"}])


# --- ask -------------------------------------------------------------------------------------------------------------


def test_answers_come_in_order_and_samples_one_after_another(tmp_path: Path) -> None:
    answers = ask(tmp_path, EngineSettings(), questions(1200), n=2)
    verdicts = [answer.value.verdict for answer in answers]
    assert verdicts == ["correct", "correct", "cannot_judge", "cannot_judge"] * 600
    assert {answer.engine_kind for answer in answers} == {"rule"}
    assert len({answer.request_sha256 for answer in answers}) == 2400


def test_rule_and_http_give_the_same_values(tmp_path: Path) -> None:
    by_rule = ask(tmp_path / "a", EngineSettings(), questions(40))
    with endpoint() as server:
        over_http = ask(tmp_path / "b", remote(server.url), questions(40))
    assert [answer.value for answer in by_rule] == [answer.value for answer in over_http]
    assert {answer.engine_kind for answer in over_http} == {"openai"}


def test_each_distinct_request_is_sent_once_across_rows_calls_and_runs(tmp_path: Path) -> None:
    twice = questions(60) + questions(60)
    with endpoint() as server:
        with open_on(tmp_path, remote(server.url)) as generator:
            first = generator.ask(TASK, twice)
            again = generator.ask(TASK, twice)
        later = ask(tmp_path, remote(server.url, concurrency=3), twice)
        seen = server.statistics()
    assert first == again == later
    assert (seen["requests"], seen["distinct"]) == (60, 60)


class ReadOtherwise:
    """The same task with another parser."""

    name, template_sha256, schema, messages = TASK.name, TASK.template_sha256, TASK.schema, TASK.messages

    def parse(self, text: str, given: object) -> str | Fault:
        if "incorrect" in text:
            return Fault(Reason.NOT_AN_OPTION, "this parser takes no such answer")
        return f"read otherwise: {json.loads(text)['verdict']}"


def test_another_parser_reads_again_and_asks_nobody(tmp_path: Path) -> None:
    with endpoint() as server:
        first = ask(tmp_path, remote(server.url), questions(20))
        server.rehearse()
        with open_on(tmp_path, remote(server.url)) as generator:
            again = generator.ask(ReadOtherwise(), questions(20))
        assert server.statistics()["requests"] == 0
    assert [answer.response_sha256 for answer in again] == [answer.response_sha256 for answer in first]
    assert Outcome.OK in {answer.outcome for answer in again}
    assert all(str(answer.value).startswith("read otherwise") for answer in again if answer.outcome is Outcome.OK)
    assert all(answer.reason is Reason.NOT_AN_OPTION for answer in again if answer.outcome is not Outcome.OK)


def test_a_changed_input_is_asked_and_nothing_else(tmp_path: Path) -> None:
    changed = [question(number, version=int(number % 10 == 0)) for number in range(100)]
    with endpoint() as server:
        before = ask(tmp_path, remote(server.url), questions(100))
        server.rehearse()
        after = ask(tmp_path, remote(server.url), changed)
        assert server.statistics()["requests"] == 10
    new = [number for number in range(100) if before[number].request_sha256 != after[number].request_sha256]
    assert new == list(range(0, 100, 10))


def test_another_sampling_model_or_revision_asks_again(tmp_path: Path) -> None:
    with endpoint() as server:
        settings = remote(server.url)
        ask(tmp_path, settings, questions(5))
        hotter = settings.model_copy(update={"sampling": SamplingSettings(temperature=0.7)})
        newer = settings.model_copy(update={"revision": "test-2"})
        ask(tmp_path, hotter, questions(5))
        ask(tmp_path, newer, questions(5))
        assert server.statistics()["requests"] == 15


def test_replay_repeats_what_is_cached_and_refuses_the_rest(tmp_path: Path) -> None:
    with endpoint() as server:
        original = ask(tmp_path, remote(server.url), questions(10))
    replay = EngineSettings(kind="replay", model="rule", revision="test")
    assert ask(tmp_path, replay, questions(10)) == original
    with pytest.raises(BadInput, match="2 requests have no cached answer"):
        ask(tmp_path, replay, questions(12))


def test_replay_without_a_model_repeats_rule_answers(tmp_path: Path) -> None:
    original = ask(tmp_path, EngineSettings(), questions(10))
    assert ask(tmp_path, EngineSettings(kind="replay"), questions(10)) == original


def test_fault_rates_are_another_revision(tmp_path: Path) -> None:
    plain, faulty = EngineSettings(), EngineSettings(fault_rates={"negated_claim": 0.5})
    with open_on(tmp_path, plain) as one, open_on(tmp_path, faulty) as other:
        assert one.model_revision != other.model_revision
    with pytest.raises(BadConfiguration, match=r"no faults .*'typo'"):
        open_on(tmp_path, EngineSettings(fault_rates={"typo": 0.5}))


def test_the_rules_revision_follows_from_all_that_they_read() -> None:
    """A module of ours that a task imports and the revision does not hash would give stale answers."""
    read = {"canonical.py", "reasons.py", "fault.py"}  # ids and codes, which no rule's answer holds
    folder = Path(rule.__file__).parents[1] / "tasks"
    for path in folder.glob("*.py"):
        for name in re.findall(r"^from (medreason[\w.]+) import", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
            if not name.startswith("medreason.chains.tasks"):
                file = name.removeprefix("medreason.").replace(".", "/") + ".py"
                assert file in rule.READ_BY_RULES or Path(file).name in read, f"{path.name} reads {file}"


# --- money -----------------------------------------------------------------------------------------------------------

PRICES = PriceTable(version="2026-11", prompt_usd_per_million=1.0, completion_usd_per_million=2.0)


def test_the_budget_is_never_passed_and_the_rest_waits(tmp_path: Path) -> None:
    priced = {"prices": PRICES, "sampling": SamplingSettings(max_tokens=100)}
    with endpoint() as server:
        with open_on(tmp_path / "free", remote(server.url, **priced)) as generator:
            generator.ask(TASK, questions(1))
            one_usd = generator.ledger.cost_nano_usd / 1e9
            dearest_usd = generator.forecast(TASK, questions(2)).most_cost_nano_usd / 1e9
        budget = one_usd * 10 + dearest_usd
        with open_on(tmp_path / "paid", remote(server.url, budget_usd=budget, **priced)) as generator:
            answers = generator.ask(TASK, questions(50))
            spent = generator.ledger.cost_nano_usd / 1e9
    n_ok = sum(answer.outcome is Outcome.OK for answer in answers)
    assert spent <= budget
    assert 9 <= n_ok <= 12
    assert all(answer.outcome is Outcome.DEFERRED for answer in answers if answer.outcome is not Outcome.OK)


def test_the_next_run_asks_what_the_budget_left(tmp_path: Path) -> None:
    with endpoint() as server:
        poor = ask(tmp_path, remote(server.url, prices=PRICES, budget_usd=0.0), questions(5))
        rich = ask(tmp_path, remote(server.url), questions(5))
        assert server.statistics()["requests"] == 5
    assert {answer.outcome for answer in poor} == {Outcome.DEFERRED}
    assert {answer.outcome for answer in rich} == {Outcome.OK}


def test_what_was_deferred_holds_nobody_up(tmp_path: Path) -> None:
    """Also while the run that could not ask it goes on."""
    with endpoint() as server, open_on(tmp_path, remote(server.url, prices=PRICES, budget_usd=0.0)) as poor:
        keys = [answer.request_sha256 for answer in poor.ask(TASK, questions(5))]
        with open_on(tmp_path, remote(server.url)) as rich:
            assert rich.cache.acquire(keys) == ({}, set(keys))


def test_one_purse_holds_for_all_shards_of_a_run(tmp_path: Path) -> None:
    priced = {"prices": PRICES, "sampling": SamplingSettings(max_tokens=100)}
    with endpoint() as server:
        with open_on(tmp_path / "free", remote(server.url, **priced)) as generator:
            generator.ask(TASK, questions(1))
            one, dearest = generator.ledger.cost_nano_usd, generator.forecast(TASK, questions(2)).most_cost_nano_usd
        settings = remote(server.url, budget_usd=(10 * one + dearest) / 1e9, **priced)
        purse, spent, n_ok = Purse.of(settings.budget_usd), 0, 0
        for shard in range(4):
            given = questions(20 * (shard + 1))[20 * shard :]
            with open_on(tmp_path / "paid", settings, purse=purse) as generator:
                answers = generator.ask(TASK, given)
                spent += generator.ledger.cost_nano_usd
                n_ok += sum(answer.outcome is Outcome.OK for answer in answers)
    assert purse is not None
    assert spent + purse.left_nano_usd == round(10 * one + dearest), "no money was lost or made"
    assert 9 <= n_ok <= 12
    assert Purse.of(None) is None


def test_money_that_a_shard_did_not_need_is_the_next_ones(tmp_path: Path) -> None:
    with endpoint() as server:
        settings = remote(server.url, prices=PRICES, budget_usd=1.0)
        purse = Purse.of(settings.budget_usd)
        assert purse is not None
        for shard in range(3):
            with open_on(tmp_path, settings, purse=purse) as generator:
                assert generator.ask(TASK, questions(5 * shard + 5))[0].outcome is Outcome.OK
                assert purse.left_nano_usd <= 990_000_000, "it is drawn in hundredths"
    assert purse.left_nano_usd > 990_000_000


def test_who_pays_is_told_before_the_first_request_goes_out(tmp_path: Path) -> None:
    states: list[ProgressState] = []
    n_sent_when_told = []

    def watch(state: ProgressState) -> None:
        states.append(state)
        n_sent_when_told.append(server.statistics()["requests"])

    with endpoint() as server:
        ask(tmp_path, remote(server.url), questions(10))
        server.rehearse()
        with open_on(tmp_path, remote(server.url, prices=PRICES), watcher=watch) as generator:
            generator.ask(TASK, questions(30))
    assert (states[0].n_done, states[0].n_to_send) == (0, 20)
    assert states[0].most_cost_nano_usd
    assert n_sent_when_told[0] == 0
    assert "20 to send for at most" in states[0].line()
    assert states[-1].cost_nano_usd <= states[0].most_cost_nano_usd


def test_the_forecast_counts_distinct_requests_and_sends_none(tmp_path: Path) -> None:
    with endpoint() as server:
        with open_on(tmp_path, remote(server.url, prices=PRICES)) as generator:
            generator.ask(TASK, questions(10))
            server.rehearse()
            forecast = generator.forecast(TASK, questions(30) + questions(30), n=1)
        assert server.statistics()["requests"] == 0
    assert (forecast.n_requests, forecast.n_cached, forecast.n_outstanding) == (30, 10, 20)
    assert forecast.most_cost_nano_usd > 0
    assert forecast.most_completion_tokens == 20 * 2048


def test_the_ledger_tells_paid_from_cached(tmp_path: Path) -> None:
    with endpoint() as server:
        ask(tmp_path, remote(server.url), questions(10))
        with open_on(tmp_path, remote(server.url, prices=PRICES)) as generator:
            generator.ask(TASK, questions(15), label="sample")
            table, summary = generator.ledger.table(), generator.ledger.summary()
    assert (summary["n_requests"], summary["n_cached"], summary["n_attempts"]) == (15, 10, 5)
    assert summary["cost_usd"] > 0
    rows = table.to_pylist()
    assert [row["cost_nano_usd"] > 0 for row in rows].count(True) == 5
    assert {row["price_table"] for row in rows} == {"2026-11"}
    assert {row["label"] for row in rows} == {"sample"}


def test_ledgers_of_a_build_lie_in_one_table_with_their_sums(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    with endpoint() as server:
        with open_on(tmp_path, remote(server.url, prices=PRICES)) as generator:
            generator.ask(TASK, questions(10))
            before = store_ledger(store, generator.ledger)
        with open_on(tmp_path, remote(server.url, prices=PRICES)) as generator:
            generator.ask(TASK, questions(15))
            now = store_ledger(store, generator.ledger)
            summary = generator.ledger.summary()
    assert store_ledger(store, Ledger()) == ""
    rows = gathered(store, now=[now], before=[before])
    assert rows.num_rows == 25
    assert rows.column("latency_ms").to_pylist()
    sums = {one["is_of_this_run"]: one for one in costs(rows)}
    assert (sums[True]["n_requests"], sums[True]["n_cached"], sums[True]["n_attempts"]) == (15, 10, 5)
    assert (sums[False]["n_requests"], sums[False]["n_cached"], sums[False]["n_attempts"]) == (10, 0, 10)
    assert sums[True]["cost_nano_usd"] / 1e9 == summary["cost_usd"]
    assert {one["price_table"] for one in sums.values()} == {"2026-11"}
    assert costs(gathered(store, now=[], before=[])) == []


def test_what_a_killed_run_paid_is_in_the_next_ones_ledger_once(tmp_path: Path) -> None:
    """Its own ledger was never kept: answers lie in the cache with their tokens."""
    store = open_store(str(tmp_path))
    program = (
        "import os, sys; from pathlib import Path; from tests.chains import test_requests as t\n"
        "generator = t.open_on(Path(sys.argv[1]), t.remote(sys.argv[2], prices=t.PRICES))\n"
        "generator.ask(t.TASK, t.questions(10)); os.kill(os.getpid(), 9)\n"
    )
    with endpoint() as server:
        ended = subprocess.run([sys.executable, "-c", program, str(tmp_path), server.url], check=False)
        assert ended.returncode == -9
        keys = []
        # Two shards of the next run, which share five of the questions.
        for shard in (questions(15), questions(20)[5:]):
            with open_on(tmp_path, remote(server.url, prices=PRICES)) as generator:
                generator.ask(TASK, shard)
                keys.append(store_ledger(store, generator.ledger))
        with open_on(tmp_path / "clean", remote(server.url, prices=PRICES)) as generator:
            generator.ask(TASK, questions(20))
            whole = generator.ledger.cost_nano_usd
    rows = gathered(store, now=keys, before=[]).to_pylist()
    assert len(rows) == 30
    paid = {row["request_sha256"]: row["cost_nano_usd"] for row in rows if row["cost_nano_usd"]}
    earlier = [row for row in rows if row["earlier_cost_nano_usd"]]
    assert len(paid) == len(earlier) == 10
    assert not paid.keys() & {row["request_sha256"] for row in earlier}
    (sums,) = costs(gathered(store, now=keys, before=[]))
    assert sums["cost_nano_usd"] + sums["earlier_cost_nano_usd"] == whole, "as if no run had been killed"
    assert sums["n_attempts"] == 10
    (later,) = costs(gathered(store, now=keys[1:], before=[]))
    assert later["cost_nano_usd"] + later["earlier_cost_nano_usd"] < whole


def test_shards_on_workers_are_told_as_one_job() -> None:
    def state(n_done: int, call_no: int) -> ProgressState:
        return ProgressState(
            task="write",
            label="",
            n_total=10,
            n_done=n_done,
            n_cached=1,
            n_deferred=0,
            failed={"timed_out": 1},
            completion_tokens=100,
            cost_nano_usd=0,
            seconds=1.0,
            call_no=call_no,
        )

    tally = Tally(n_shards=4)
    assert tally.seen().requests is None
    tally.take(0, state(3, 1))
    tally.take(0, state(5, 1))  # the same call, later
    tally.take(0, state(7, 2))
    tally.take(1, state(9, 1))
    tally.begin(1)  # its worker died: another begins again
    tally.take(1, state(2, 8))
    tally.n_shards_done = 1
    seen = JobProgress.from_json(json.loads(json.dumps(tally.seen().as_json())))
    assert seen.requests is not None
    assert (seen.requests.n_done, seen.requests.n_total, seen.requests.failed) == (14, 30, {"timed_out": 3})
    assert seen.line().startswith("1/4 shards, write 14/30, 3 cached, timed_out 3")
    shown = seen.shown()
    assert shown["shards_done"] == 1
    assert shown["requests_done"] == 14
    assert shown["tokens_per_s"] > 0
    assert "seconds_left" in shown


def test_progress_reaches_the_total(tmp_path: Path) -> None:
    states = []
    with open_on(tmp_path, EngineSettings(), watcher=states.append) as generator:
        generator.ask(TASK, questions(700) + questions(700), label="sample")
    assert (states[-1].n_done, states[-1].n_total, states[-1].label) == (1400, 1400, "sample")


# --- egress ----------------------------------------------------------------------------------------------------------

ENDPOINTS = {
    "loopback address": (["http://127.0.0.1:1/v1"], [], True),
    "loopback name": (["http://localhost:1/v1"], [], True),
    "loopback, version 6": (["http://[::1]:1/v1"], [], True),
    "somewhere else": (["https://llm.example.org/v1"], [], False),
    "one of two": (["http://127.0.0.1:1/v1", "https://llm.example.org/v1"], [], False),
    "listed": (["https://llm.example.org/v1"], ["LLM.example.org"], True),
    "listed with port": (["https://llm.example.org:8443/v1"], ["llm.example.org:8443"], True),
    "listed with another port": (["https://llm.example.org:8443/v1"], ["llm.example.org:8000"], False),
    "a name that begins like loopback": (["http://127.0.0.1.example.org/v1"], [], False),
    "a private range is not ours": (["http://10.0.0.7/v1"], [], False),
}


@pytest.mark.parametrize(("urls", "listed", "is_allowed"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_local_only_text_stays(urls: list[str], listed: list[str], is_allowed: bool, tmp_path: Path) -> None:
    settings = remote(*urls, private_endpoints=tuple(listed))
    if is_allowed:
        open_on(tmp_path, settings, local_only_sources=["casimedicos"]).close()
        return
    with pytest.raises(EgressRefused, match=r"casimedicos must not be sent to .*example|casimedicos .* 10\.0\.0\.7"):
        open_on(tmp_path, settings, local_only_sources=["casimedicos"])


def test_addresses_of_a_server_of_ours_are_looked_at_where_they_are_configured(tmp_path: Path) -> None:
    settings = EngineSettings(kind="vllm", model="m", revision="r", base_urls=("http://10.0.0.7:8000/v1",))
    with pytest.raises(EgressRefused, match=r"casimedicos must not be sent to 10\.0\.0\.7"):
        open_on(tmp_path, settings, local_only_sources=["casimedicos"])


def test_an_open_source_may_go_anywhere(tmp_path: Path) -> None:
    open_on(tmp_path, remote("https://llm.example.org/v1"), local_only_sources=[]).close()


BAD_SETTINGS = {
    "openai without address": {"kind": "openai", "model": "m", "revision": "r"},
    "openai without revision": {"kind": "openai", "model": "m", "base_urls": ("http://127.0.0.1/v1",)},
    "key in the address": {
        "kind": "openai",
        "model": "m",
        "revision": "r",
        "base_urls": ("http://me:key@a.example/v1",),
    },
    "key in the query": {
        "kind": "openai",
        "model": "m",
        "revision": "r",
        "base_urls": ("https://a.example/v1?api-key=secret",),
    },
    "key under another name": {
        "kind": "openai",
        "model": "m",
        "revision": "r",
        "base_urls": ("https://a.example/v1",),
        "api_key": "base_urls",
    },
    "a file as address": {"kind": "openai", "model": "m", "revision": "r", "base_urls": ("file:///etc/passwd",)},
    "budget without prices": {"budget_usd": 1.0},
    "faults of a model": {"kind": "replay", "fault_rates": {"wrong_edge": 0.1}},
    "adapter without base": {"kind": "vllm", "model": "m", "revision": "r", "vllm": {"lora_path": "/a"}},
}


@pytest.mark.parametrize("settings", BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs|are for kind rule|base_urls|api_key"):
        EngineSettings.model_validate(settings)
