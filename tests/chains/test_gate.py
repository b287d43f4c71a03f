"""The response gate: each fault has its reason, whatever surrounds it.

Belongs: pure checks of replies and responses, JSON mutations.
Does not belong: what the client does about it (test_retry.py, test_engines_openai.py).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.reasons import Outcome, Reason
from medreason.chains.generation.gate import (
    HttpReply,
    Trouble,
    Whose,
    judge_reply,
    not_reached,
    response_fault,
    retry_after_s,
    timed_out,
)
from medreason.chains.generation.request import Failure, Response, quarantined
from medreason.chains.tasks.protocol import Fault
from tests.chains.requests_world import TASK, question

GOOD: dict[str, Any] = {
    "id": "x",
    "object": "chat.completion",
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"verdict": "correct"}'}}
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3},
}


def changed(**choice: Any) -> bytes:
    """The good envelope with other values in its choice (`content` in its message)."""
    envelope = json.loads(json.dumps(GOOD))
    if "content" in choice:
        envelope["choices"][0]["message"]["content"] = choice.pop("content")
    envelope["choices"][0] |= choice
    return json.dumps(envelope).encode()


def verdict_on(body: bytes, status: int = 200, retry_after: str | None = None) -> tuple[str, Reason | None]:
    """(who is at fault, reason) after every check of the gate; ("", None) for an answer."""
    outcome = judge_reply(HttpReply(status=status, body=body, retry_after=retry_after), model="m", engine_kind="openai")
    if isinstance(outcome, Trouble):
        return outcome.whose.value, outcome.reason
    fault = response_fault(outcome, max_characters=1000)
    if fault is not None:
        return "answer", fault.reason
    parsed = TASK.parse(outcome.content, question(0))
    return ("answer", parsed.reason) if isinstance(parsed, Fault) else ("", None)


def test_a_good_reply_passes_with_all_that_was_reported() -> None:
    reply = HttpReply(status=200, body=json.dumps(GOOD).encode())
    response = judge_reply(reply, model="m", engine_kind="openai")
    assert response == Response(
        content='{"verdict": "correct"}',
        finish_reason="stop",
        response_model="m",
        prompt_tokens=7,
        completion_tokens=3,
        engine_kind="openai",
    )
    assert verdict_on(reply.body) == ("", None)


REPLIES = {
    "html": (b"<html>busy</html>", "server", Reason.BAD_ENVELOPE),
    "half a body": (json.dumps(GOOD).encode()[:-20], "server", Reason.BAD_ENVELOPE),
    "nothing": (b"", "server", Reason.BAD_ENVELOPE),
    "a list": (b"[]", "server", Reason.BAD_ENVELOPE),
    "bytes that are no text": (b"\xff\xfe\x00", "server", Reason.BAD_ENVELOPE),
    "very deep": (b"[" * 100_000, "server", Reason.BAD_ENVELOPE),
    "no choices": (json.dumps(GOOD | {"choices": []}).encode(), "server", Reason.BAD_ENVELOPE),
    "choices null": (json.dumps(GOOD | {"choices": None}).encode(), "server", Reason.BAD_ENVELOPE),
    "two choices": (json.dumps(GOOD | {"choices": GOOD["choices"] * 2}).encode(), "server", Reason.BAD_ENVELOPE),
    "no message": (changed(message=None), "server", Reason.BAD_ENVELOPE),
    "content in parts": (changed(content=[{"type": "text", "text": "A"}]), "server", Reason.BAD_ENVELOPE),
    "another model": (json.dumps(GOOD | {"model": "n"}).encode(), "server", Reason.WRONG_MODEL),
    "no model": (json.dumps({k: v for k, v in GOOD.items() if k != "model"}).encode(), "server", Reason.BAD_ENVELOPE),
    "cut by length": (changed(finish_reason="length"), "answer", Reason.CUT_SHORT),
    "filtered": (changed(finish_reason="content_filter"), "answer", Reason.CUT_SHORT),
    "unfinished": (changed(finish_reason=None), "answer", Reason.CUT_SHORT),
    "null": (changed(content=None), "answer", Reason.EMPTY_RESPONSE),
    "empty": (changed(content=""), "answer", Reason.EMPTY_RESPONSE),
    "blank": (changed(content=" \n\t"), "answer", Reason.EMPTY_RESPONSE),
    "cut and empty": (changed(content="", finish_reason="length"), "answer", Reason.CUT_SHORT),
    "NUL": (changed(content="a\x00"), "answer", Reason.BAD_TEXT),
    "bidirectional override": (changed(content="a\u202eb"), "answer", Reason.BAD_TEXT),
    "lone surrogate": (changed(content="a\ud800"), "answer", Reason.BAD_TEXT),
    "too long": (changed(content="a" * 1001), "answer", Reason.RESPONSE_TOO_LONG),
    "no JSON": (changed(content="It is A."), "answer", Reason.MALFORMED_RESPONSE),
    "half JSON": (changed(content='{"verdict": '), "answer", Reason.MALFORMED_RESPONSE),
    "another shape": (changed(content='{"answer": "A"}'), "answer", Reason.SCHEMA_MISMATCH),
    "a value that is none": (changed(content='{"verdict": "maybe"}'), "answer", Reason.SCHEMA_MISMATCH),
}


@pytest.mark.parametrize(("body", "whose", "reason"), REPLIES.values(), ids=REPLIES)
def test_each_broken_reply_has_its_reason(body: bytes, whose: str, reason: Reason) -> None:
    assert verdict_on(body) == (whose, reason)


STATUSES = {
    "redirect": (302, "server", Reason.BAD_ENVELOPE),
    "bad request": (400, "request", Reason.REQUEST_REFUSED),
    "too large": (413, "request", Reason.REQUEST_REFUSED),
    "unprocessable": (422, "request", Reason.REQUEST_REFUSED),
    "no key": (401, "door", Reason.REQUEST_REFUSED),
    "no credit": (402, "door", Reason.REQUEST_REFUSED),
    "no such model": (404, "door", Reason.REQUEST_REFUSED),
    "request timeout": (408, "server", Reason.RETRIES_EXHAUSTED),
    "too many": (429, "limit", Reason.RETRIES_EXHAUSTED),
    "error": (500, "server", Reason.RETRIES_EXHAUSTED),
    "bad gateway": (502, "server", Reason.RETRIES_EXHAUSTED),
    "overloaded": (529, "server", Reason.RETRIES_EXHAUSTED),
}


@pytest.mark.parametrize(("status", "whose", "reason"), STATUSES.values(), ids=STATUSES)
def test_each_status_has_its_owner(status: int, whose: str, reason: Reason) -> None:
    assert verdict_on(b'{"error": {"message": "the whole prompt"}}', status) == (whose, reason)


def test_a_spent_quota_is_no_limit_to_wait_for() -> None:
    body = json.dumps({"error": {"message": "m", "code": "insufficient_quota"}}).encode()
    assert verdict_on(body, 429)[0] == "door"


BAD_ERRORS = {
    "message": {"message": "Patient Jane Roe"},
    "code is text": {"code": "Patient Jane Roe is"},
    "long": {"code": "x" * 65},
    "a key": {"code": "sk-canary-0815"},
    "a record number": {"type": "MRN-4711"},
}


@pytest.mark.parametrize("error", BAD_ERRORS.values(), ids=BAD_ERRORS)
def test_no_text_of_the_server_gets_into_a_reason(error: dict[str, str]) -> None:
    reply = HttpReply(status=400, body=json.dumps({"error": error}).encode())
    trouble = judge_reply(reply, model="m", engine_kind="openai")
    assert isinstance(trouble, Trouble)
    assert trouble.detail == "HTTP 400"


def test_a_short_code_of_the_server_is_told() -> None:
    reply = HttpReply(status=400, body=b'{"error": {"code": "context_length_exceeded"}}')
    trouble = judge_reply(reply, model="m", engine_kind="openai")
    assert isinstance(trouble, Trouble)
    assert trouble.detail == "HTTP 400 context_length_exceeded"


HEADERS = {
    "seconds": ("3", 3.0),
    "fraction": ("0.5", 0.5),
    "none": (None, None),
    "a date": ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    "negative": ("-1", None),
    "endless": ("inf", None),
    "no number": ("nan", None),
}


@pytest.mark.parametrize(("header", "expected"), HEADERS.values(), ids=HEADERS)
def test_retry_after(header: str | None, expected: float | None) -> None:
    assert retry_after_s(header) == expected


def test_a_lost_attempt_is_the_servers() -> None:
    assert (timed_out(2.0).whose, timed_out(2.0).reason) == (Whose.SERVER, Reason.TIMED_OUT)
    assert (not_reached("ConnectionResetError").whose, not_reached("X").reason) == (
        Whose.SERVER,
        Reason.RETRIES_EXHAUSTED,
    )


# --- anything at all -------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = (
    *(("choices",), ("model",), ("usage",), ("choices", 0), ("choices", 0, "message"), ("choices", 0, "finish_reason")),
    *(("choices", 0, "message", "content"), ("usage", "prompt_tokens"), ("choices", 0, "logprobs")),
)


@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_anywhere_is_judged_and_never_raises(place: tuple[str | int, ...], value: Any) -> None:
    envelope = json.loads(json.dumps(GOOD))
    target = envelope
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = value
    whose, reason = verdict_on(json.dumps(envelope).encode())
    assert (whose == "") == (reason is None)


@given(body=st.binary(max_size=200), status=st.integers(100, 599))
def test_any_bytes_are_judged_and_never_raise(body: bytes, status: int) -> None:
    whose, reason = verdict_on(body, status)
    assert whose
    assert reason is not None


@given(content=st.text(st.characters(exclude_categories=[])), logprobs=JSON)
def test_whatever_a_model_says_can_be_stored(content: str, logprobs: Any) -> None:
    response = Response(
        content=content,
        finish_reason="stop",
        response_model="m",
        prompt_tokens=1,
        completion_tokens=2,
        engine_kind="openai",
        logprobs=logprobs,
    )
    assert Response.from_bytes(response.to_bytes()) == response
    assert Response.from_bytes(response.to_bytes()).to_bytes() == response.to_bytes()


@pytest.mark.parametrize("reason", [Reason.TIMED_OUT, Reason.REQUEST_REFUSED, Reason.WRONG_MODEL])
def test_failures_can_be_stored(reason: Reason) -> None:
    failure = quarantined(reason, "HTTP 400")
    assert Failure.from_bytes(failure.to_bytes()) == failure
    assert failure.outcome is Outcome.QUARANTINED
