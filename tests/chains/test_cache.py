"""The request cache: kills, torn files, two processes, fresh machines.

Belongs: what holds on disk, on S3 and between processes.
Does not belong: what is asked (test_requests.py), HTTP faults (test_engines_openai.py).
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.errors import CorruptRelease
from medreason.base.reasons import Outcome, Reason
from medreason.base.store import open_store
from medreason.chains.engines.rule_server import ServerSettings
from medreason.chains.generation.cache import RequestCache, default_folder, result_of
from medreason.chains.generation.request import Failure, Reply, Request, RequestForm, Response, Sampling, make_request
from medreason.chains.generation.request import quarantined as failure_of
from medreason.chains.generation.segments import Record, read_lines
from tests.chains.asking_program import CONCURRENCY
from tests.chains.requests_world import Endpoint, ask, endpoint, questions, remote

FORM = RequestForm.of(
    task="judge", model_id="m", model_revision="r", sampling=Sampling(), response_schema={}, template_sha256="00"
)
SOAK = os.environ.get("MEDREASON_SOAK") == "1"


def request(number: int) -> Request:
    return make_request(FORM, [{"role": "user", "content": f"question {number}"}])


def response(number: int) -> Response:
    return Response(
        content=f"answer {number}",
        finish_reason="stop",
        response_model="m",
        prompt_tokens=1,
        completion_tokens=1,
        engine_kind="openai",
    )


def reply(number: int) -> Reply:
    return Reply(request=request(number), result=response(number))


def open_cache(root: Path | str, folder: Path, **settings: float) -> RequestCache:
    return RequestCache(open_store(str(root)), folder, **settings)


def contents(cache: RequestCache, n: int) -> set[str]:
    """Texts of the stored answers among the first `n` requests."""
    found = cache.get_many([request(number).sha256 for number in range(n)])
    results = [result_of(record) for record in found.values()]
    return {result.content for result in results if isinstance(result, Response)}


def expected(n: int) -> set[str]:
    return {f"answer {number}" for number in range(n)}


# --- one process -----------------------------------------------------------------------------------------------------


def test_what_was_put_is_there_before_and_after_closing(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, tmp_path / "own")
    for number in range(300):
        cache.put(reply(number))
    assert contents(cache, 300) == expected(300)
    cache.close()
    assert contents(open_cache(tmp_path, tmp_path / "own"), 300) == expected(300)


def test_the_index_follows_from_sealed_segments(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, tmp_path / "one")
    for number in range(20):
        cache.put(reply(number))
    cache.close()
    assert contents(open_cache(tmp_path, tmp_path / "another machine"), 20) == expected(20)


def test_a_fresh_machine_reads_what_s3_holds(s3_root: str, tmp_path: Path) -> None:
    with endpoint() as server:
        first = ask(s3_root, remote(server.url), questions(30))
        shutil.rmtree(default_folder(open_store(s3_root)))
        server.rehearse()
        again = ask(s3_root, remote(server.url), questions(30))
        assert server.statistics()["requests"] == 0
    assert again == first


def test_a_broken_index_is_made_again(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, tmp_path / "own")
    cache.put(reply(0))
    cache.close()
    for path in (tmp_path / "own").glob("index-*"):
        path.write_bytes(b"no database" * 1000)
    assert contents(open_cache(tmp_path, tmp_path / "own"), 1) == expected(1)


def test_a_sealed_segment_that_was_changed_is_refused(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, tmp_path / "own")
    cache.put(reply(0))
    cache.close()
    (sealed,) = (tmp_path / "cache").glob("*.jsonl.gz")
    sealed.write_bytes(gzip.compress(gzip.decompress(sealed.read_bytes()).replace(b"answer", b"reply!")))
    with pytest.raises(CorruptRelease, match="does not hold what its name says"):
        open_cache(tmp_path, tmp_path / "another")


def test_prompts_are_kept_where_that_is_wanted(tmp_path: Path) -> None:
    for keeps in (True, False):
        cache = open_cache(tmp_path / str(keeps), tmp_path / str(keeps) / "own", keeps_prompts=keeps)
        cache.put(reply(0))
        cache.close()
        (sealed,) = (tmp_path / str(keeps) / "cache").glob("*")
        line = json.loads(gzip.decompress(sealed.read_bytes()))
        assert ("request" in line) is keeps
        if keeps:
            assert line["request"] == json.loads(request(0).canonical())


def test_a_response_beats_a_failure_in_any_order(tmp_path: Path) -> None:
    failure = Reply(request=request(0), result=failure_of(Reason.REQUEST_REFUSED, "HTTP 400"))
    for name, replies in {"failure first": [failure, reply(0)], "response first": [reply(0), failure]}.items():
        cache = open_cache(tmp_path / name.replace(" ", "-"), tmp_path / "own" / name)
        for one in replies:
            cache.put(one)
            cache.flush()
        assert contents(cache, 1) == expected(1), name


def test_failures_are_remembered_as_they_were(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, tmp_path / "own")
    failure = failure_of(Reason.TIMED_OUT, "no complete reply in 5 s")
    cache.put(Reply(request=request(0), result=failure))
    cache.close()
    (record,) = open_cache(tmp_path, tmp_path / "own").get_many([request(0).sha256]).values()
    assert result_of(record) == failure
    assert isinstance(result_of(record), Failure)


def test_a_full_disk_ends_cleanly_and_loses_nothing(tmp_path: Path) -> None:
    """The limit on file sizes stands in for the disk: it fails in the same system call."""
    cache = open_cache(tmp_path, tmp_path / "own")
    cache.put(reply(0))
    cache.flush()
    (path,) = (tmp_path / "own" / "open").glob("*.jsonl")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, old[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            cache.put(reply(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    cache.put(reply(2))
    cache.close()
    assert contents(open_cache(tmp_path, tmp_path / "own"), 3) == {"answer 0", "answer 2"}


# --- torn files ------------------------------------------------------------------------------------------------------


@given(cut_at=st.integers(0, 3000))
def test_a_segment_cut_anywhere_gives_its_whole_lines(cut_at: int) -> None:
    records = [
        Record(
            key=request(number).sha256,
            is_response=True,
            body=response(number).to_bytes(),
            stored_at_ns=number,
            n_attempts=1,
            latency_ms=2,
        )
        for number in range(5)
    ]
    lines = [record.to_line(request(number).canonical()) for number, record in enumerate(records)]
    data = b"".join(lines)[:cut_at]
    n_whole = sum(len(b"".join(lines[: k + 1])) <= len(data) for k in range(len(lines)))
    assert list(read_lines(data)) == records[:n_whole]


def test_what_a_dead_process_left_is_taken_over(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tests.chains import test_cache as t\n"
        "cache = t.open_cache(sys.argv[1], Path(sys.argv[1]) / 'own')\n"
        "cache.acquire([t.request(n).sha256 for n in range(10)])\n"
        "[cache.put(t.reply(n)) for n in range(5)]\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    (segment,) = (tmp_path / "own" / "open").glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"request_sha256":"12')  # torn by the kill

    cache = open_cache(tmp_path, tmp_path / "own")
    assert contents(cache, 10) == expected(5)
    _, mine = cache.acquire([request(number).sha256 for number in range(10)])
    assert len(mine) == 5, "claims of the dead process hold nobody up"
    assert not segment.exists()
    cache.close()
    assert contents(open_cache(tmp_path, tmp_path / "elsewhere"), 10) == expected(5)


# --- two at once -----------------------------------------------------------------------------------------------------


def test_a_claim_holds_until_it_is_given_back(tmp_path: Path) -> None:
    one, other = (open_cache(tmp_path, tmp_path / "own") for _ in range(2))
    key = request(0).sha256
    assert one.acquire([key]) == ({}, {key})
    assert other.acquire([key]) == ({}, set())
    assert other.take_over([key]) == ({}, set())
    one.release([key])
    assert other.acquire([key]) == ({}, {key})
    other.put(reply(0))
    other.flush()
    found, mine = one.take_over([key])
    assert (list(found), mine) == ([key], set())


def test_a_claim_that_is_too_old_is_taken(tmp_path: Path) -> None:
    one = open_cache(tmp_path, tmp_path / "own")
    other = open_cache(tmp_path, tmp_path / "own", claim_timeout_s=0.05)
    key = request(0).sha256
    one.acquire([key])
    time.sleep(0.1)
    assert other.take_over([key]) == ({}, {key})


def start(root: Path | str, server: Endpoint, first: int, stop: int, output: Path) -> subprocess.Popen[bytes]:
    arguments = [str(root), server.url, str(first), str(stop), str(output)]
    return subprocess.Popen([sys.executable, "-m", "tests.chains.asking_program", *arguments])


def test_two_processes_ask_nothing_twice(tmp_path: Path) -> None:
    with endpoint(ServerSettings(latency_ms=20)) as server:
        outputs = [tmp_path / "a.json", tmp_path / "b.json"]
        programs = [start(tmp_path / "root", server, 0, 700, output) for output in outputs]
        assert [program.wait(60) for program in programs] == [0, 0]
        seen = server.statistics()
    assert (seen["requests"], seen["distinct"], seen["paid_twice"]) == (700, 700, 0)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_living_process_goes_on_with_what_a_killed_one_had_claimed(tmp_path: Path) -> None:
    with endpoint(ServerSettings(latency_ms=500)) as server:
        doomed = start(tmp_path / "root", server, 0, 600, tmp_path / "a.json")
        wait_for(server, 20)
        survivor = start(tmp_path / "root", server, 0, 600, tmp_path / "b.json")
        wait_until_two_write(tmp_path / "root")
        doomed.kill()
        doomed.wait()
        n_before = server.statistics()["answered"]
        assert n_before < 500, "nothing was left of what it had claimed"
        server.rehearse(latency_ms=10)
        assert survivor.wait(60) == 0
        n_after = server.statistics()["answered"]
    # The survivor's own may have been on their way when the counts began anew.
    assert 600 - CONCURRENCY <= n_before + n_after <= 600 + CONCURRENCY
    rows = json.loads((tmp_path / "b.json").read_bytes())
    assert [row[0] for row in rows] == [Outcome.OK] * 600


def test_two_processes_on_s3_ask_nothing_twice(s3_root: str, tmp_path: Path) -> None:
    """Claims hold on one machine; what each has sealed is whole, and a third machine reads both."""
    with endpoint(ServerSettings(latency_ms=20)) as server:
        outputs = [tmp_path / "a.json", tmp_path / "b.json"]
        programs = [start(s3_root, server, 0, 700, output) for output in outputs]
        assert [program.wait(60) for program in programs] == [0, 0]
        seen = server.statistics()
        assert (seen["requests"], seen["distinct"], seen["paid_twice"]) == (700, 700, 0)
        assert outputs[0].read_bytes() == outputs[1].read_bytes()
        shutil.rmtree(default_folder(open_store(s3_root)))
        third = start(s3_root, server, 0, 700, tmp_path / "c.json")
        assert third.wait(60) == 0
        assert server.statistics()["requests"] == 700
    assert (tmp_path / "c.json").read_bytes() == outputs[0].read_bytes()


def test_two_machines_on_s3_harm_nothing_and_agree(s3_root: str, tmp_path: Path) -> None:
    """Each has a folder of its own, so both may pay; of two answers the earlier counts, whoever reads."""
    caches = [open_cache(s3_root, tmp_path / name) for name in ("one", "other")]
    for number in range(10):
        caches[number % 2].put(reply(number))
    late = Reply(request=request(0), result=dataclasses.replace(response(0), content="later"))
    caches[1].put(late)
    for cache in caches:
        cache.close()
    for name in ("one", "other", "third"):
        cache = open_cache(s3_root, tmp_path / name)
        assert contents(cache, 10) == expected(10), name
        cache.close()


_KILLED_AT_EACH = """
import itertools, os, sys
from pathlib import Path
from tests.chains import test_cache as t

WATCHED = ("open", "os.rename", "os.remove", "os.link", "os.truncate", "sqlite3.connect", "fcntl.flock")

def work(root, n_left, said):
    def watch(event, arguments):
        nonlocal n_left
        if event in WATCHED and (event == "fcntl.flock" or str(root) in str(arguments[0])):
            n_left -= 1
            if n_left < 0:
                os.kill(os.getpid(), 9)

    sys.addaudithook(watch)
    cache = t.open_cache(root, root / "own")
    cache.acquire([t.request(n).sha256 for n in range(6)])
    for n in range(6):
        cache.put(t.reply(n))
        os.write(said, b"%d" % n)
        if n == 3:
            cache.flush()
    cache.close()
    os._exit(0)

for number in itertools.count():
    root = Path(sys.argv[1]) / str(number)
    root.mkdir()
    said = os.open(f"{root}.said", os.O_WRONLY | os.O_CREAT)
    if os.fork() == 0:
        work(root, number, said)
    if os.wait()[1] == 0:
        break
"""
"""Kills itself before its first operation on a file, before its second, ..., until nothing is left to be killed at."""


def test_a_kill_between_any_two_operations_on_files_loses_nothing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _KILLED_AT_EACH, str(tmp_path)], check=True)
    roots = sorted((path for path in tmp_path.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    stored = [Path(f"{root}.said").read_text() for root in roots]
    assert stored[0] == ""
    assert stored[-1] == "012345"
    assert len(roots) > 12
    for root, said in zip(roots, stored, strict=True):
        with contextlib.closing(open_cache(root, root / "own")) as cache:
            assert expected(len(said)) <= contents(cache, 6)
            found, mine = cache.acquire([request(number).sha256 for number in range(6)])
            assert len(found) + len(mine) == 6, "a dead process holds nobody up"
            for number in range(6):
                if request(number).sha256 in mine:
                    cache.put(reply(number))
        with contextlib.closing(open_cache(root, root / "elsewhere")) as cache:
            assert contents(cache, 6) == expected(6)


def wait_until_two_write(root: Path) -> None:
    """Two processes have opened the cache."""
    deadline_s = time.monotonic() + 30
    while len(list((root / ".requests" / "open").glob("*.lock"))) < 2:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def wait_for(server: Endpoint, n_answered: int) -> None:
    deadline_s = time.monotonic() + 30
    while server.statistics()["answered"] < n_answered:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


# --- kill and resume -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(50 if SOAK else 2))
def test_a_kill_anywhere_costs_at_most_what_was_in_flight(seed: int, tmp_path: Path) -> None:
    n, root = 400, tmp_path / "root"
    with endpoint(ServerSettings(latency_ms=10)) as server:
        for kill_after in sorted(random.Random(seed).sample(range(5, n - 20), 2)):
            program = start(root, server, 0, n, tmp_path / "killed.json")
            wait_for(server, kill_after)
            program.kill()
            program.wait()
        resumed = start(root, server, 0, n, tmp_path / "resumed.json")
        assert resumed.wait(60) == 0
        seen = server.statistics()
        clean = start(tmp_path / "other", server, 0, n, tmp_path / "clean.json")
        assert clean.wait(60) == 0
    assert seen["distinct_answered"] == n
    assert seen["paid_twice"] <= 2 * CONCURRENCY
    assert (tmp_path / "resumed.json").read_bytes() == (tmp_path / "clean.json").read_bytes()
