"""`medreason serve-rules`: the program itself, spoken to as a model's client would.

Belongs: start, answers, faults from the command line, refusals.
Does not belong: what our client makes of faults (test_engines_openai.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medreason.base.errors import BadConfiguration
from medreason.chains.engines.rehearsal import FAULTS, parse_fault
from medreason.chains.engines.rule_server import require_loopback
from medreason.chains.tasks import TASKS
from tests.chains.requests_world import TASK, ask, question, questions, remote
from tests.chains.test_engines_openai import ENDS
from tests.conftest import REPOSITORY


@contextmanager
def program(*arguments: str) -> Iterator[str]:
    """`medreason serve-rules` in a process of its own; gives its base URL."""
    call = "import argparse, sys; from medreason.cli import serve_rules as s\n"
    call += "p = argparse.ArgumentParser(); s.register(p.add_subparsers()); a = p.parse_args(); sys.exit(a.run(a))"
    command = [sys.executable, "-c", call, "serve-rules", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            yield serving.stdout.readline().removeprefix("serving rules at ").strip()
        finally:
            serving.terminate()


def post(url: str, body: object) -> tuple[int, dict[str, object]]:
    data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"{url}/chat/completions", data, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_answers_from_the_messages_alone_and_refuses_what_is_none_of_ours(tmp_path: Path) -> None:
    with program() as url:
        status, completion = post(url, {"model": "rule", "messages": TASK.messages(question(0))})
        assert status == 200
        (choice,) = completion["choices"]
        assert json.loads(choice["message"]["content"]) == {"verdict": "correct"}
        assert post(url, {"model": "rule", "messages": [{"role": "user", "content": "hello"}]})[0] == 400
        assert post(url, ["nothing"])[0] == 400
        assert [answer.value.verdict for answer in ask(tmp_path, remote(url), questions(2))] == [
            "correct",
            "cannot_judge",
        ]


def test_faults_stand_on_the_command_line() -> None:
    with program("--fault", "bad-request", "--fault", "html:0.5") as url:
        assert post(url, {"model": "rule", "messages": TASK.messages(question(0))})[0] == 400


def test_templates_tell_tasks_apart() -> None:
    assert len({task.template.render("")[0]["content"] for task in TASKS.values()}) == len(TASKS)


HOSTS = {
    "loopback": ("127.0.0.1", True),
    "name": ("localhost", True),
    "version 6": ("::1", True),
    "everyone": ("0.0.0.0", False),
    "everyone, version 6": ("::", False),
    "a name": ("example.org", False),
    "a network": ("10.0.0.7", False),
}


@pytest.mark.parametrize(("host", "is_allowed"), HOSTS.values(), ids=HOSTS)
def test_only_loopback_is_served(host: str, is_allowed: bool) -> None:
    if is_allowed:
        require_loopback(host)
        return
    with pytest.raises(BadConfiguration, match="can be reached from other machines"):
        require_loopback(host)


@pytest.mark.parametrize("text", ["no-such-fault", "html:2", "html:-1", "html:x", ""])
def test_a_fault_that_is_none_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(BadConfiguration, match="drip"):
        parse_fault(text)


def test_shares_are_kept_by_prompt() -> None:
    fault = parse_fault("html:0.2")
    met = [fault.meets(f"prompt {number}".encode()) for number in range(2000)]
    assert met == [fault.meets(f"prompt {number}".encode()) for number in range(2000)]
    assert 300 < sum(met) < 500
    assert len(set(FAULTS)) == len(FAULTS)


def test_the_page_has_every_fault_with_its_reason() -> None:
    """As the tests of the client find it (test_engines_openai.py)."""
    page = (REPOSITORY / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if "| `" in line]
    told = {row[0]: row[3] for row in rows}
    found = {fault: str(reason) for fault, reason, _ in ENDS.values()}
    outages = dict.fromkeys(("too-many-requests", "unauthorized", "not-found"), "deferred")
    assert told == {**found, **outages, "error-once": "none"}
    assert set(told) == set(FAULTS)


def test_help_names_every_fault() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "medreason.cli", "serve-rules", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert [name for name in FAULTS if name not in shown.replace("\n", " ").split("faults:")[-1]] == []
