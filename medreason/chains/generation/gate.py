"""The response gate: may this reply be used?

Belongs: the checks from the HTTP reply to the text of the answer, in their order; pure functions.
Does not belong: sending and waiting (engines/), the meaning of the text (`Task.parse`), what to do about it (retry.py).
Rule: first fault wins. What concerns the server (`Trouble`) is never stored under a request's key; what the model said
is stored first and judged again each time it is read.

Order: deadline, HTTP status, JSON envelope, exactly one choice, model as pinned | stored | finish reason, text present,
text usable, length | `Task.parse`: JSON, schema, references and options.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from medreason.base.reasons import Reason
from medreason.base.text import text_fault
from medreason.chains.fault import Fault
from medreason.chains.generation.request import Response

_CODE = re.compile(r"[A-Za-z_]{1,64}")
"""A word that may be told: no digits, of which keys and record numbers are made."""
_TRANSIENT_STATUS = {408, 409, 425}
_CLOSED_DOOR_STATUS = {401, 402, 403, 404, 405, 407}
_OVERLOAD_STATUS = {502, 503, 504, 529}
_NO_QUOTA = {"insufficient_quota", "billing_hard_limit_reached"}
MAX_BODY_BYTES = 16 * 2**20
"""A reply beyond this is cut off while it is read; 64,000 characters with log-probabilities stay far below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """A complete HTTP reply."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The header as sent."""


class Whose(Enum):
    """Who is at fault, which decides what comes next."""

    SERVER = "server"
    """This attempt failed; another may pass."""
    LIMIT = "limit"
    """The server asks for patience (429)."""
    REQUEST = "request"
    """This request will never pass."""
    DOOR = "door"
    """No request will pass: key, address or credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """An attempt without a usable reply."""

    whose: Whose
    reason: Reason
    """The reason, should this be the end of it."""
    detail: str
    retry_after_s: float | None = None
    is_overload: bool = False
    """The server has too much to do, or looks so: give it less at once."""


def judge_reply(reply: HttpReply, *, model: str, engine_kind: str) -> Response | Trouble:
    """The response in a complete HTTP reply, or whose trouble it is.

    Args: model is the name that the server has to report.
    """
    if reply.status != 200:
        return status_trouble(reply)
    response = _read_envelope(reply.body, engine_kind)
    if isinstance(response, Trouble):
        return response
    if response.response_model != model:
        return Trouble(whose=Whose.SERVER, reason=Reason.WRONG_MODEL, detail="the server reported another model")
    return response


def status_trouble(reply: HttpReply) -> Trouble:
    """What a status other than 200 says."""
    code = _error_code(reply.body)
    detail = f"HTTP {reply.status}" + (f" {code}" if code else "")
    if reply.status in _CLOSED_DOOR_STATUS or code in _NO_QUOTA:
        return Trouble(whose=Whose.DOOR, reason=Reason.REQUEST_REFUSED, detail=detail)
    patience = retry_after_s(reply.retry_after)
    if reply.status == 429:
        return Trouble(whose=Whose.LIMIT, reason=Reason.RETRIES_EXHAUSTED, detail=detail, retry_after_s=patience)
    if 400 <= reply.status < 500 and reply.status not in _TRANSIENT_STATUS:
        return Trouble(whose=Whose.REQUEST, reason=Reason.REQUEST_REFUSED, detail=detail)
    reason = Reason.RETRIES_EXHAUSTED if reply.status >= 400 else Reason.BAD_ENVELOPE
    is_overload = reply.status in _OVERLOAD_STATUS
    return Trouble(whose=Whose.SERVER, reason=reason, detail=detail, retry_after_s=patience, is_overload=is_overload)


def timed_out(deadline_s: float) -> Trouble:
    """The attempt passed its total deadline, whatever it was doing."""
    detail = f"no complete reply in {deadline_s:g} s"
    return Trouble(whose=Whose.SERVER, reason=Reason.TIMED_OUT, detail=detail, is_overload=True)


def not_reached(kind: str) -> Trouble:
    """The connection failed or broke; `kind` is the exception's class."""
    detail = f"connection: {kind}"
    return Trouble(whose=Whose.SERVER, reason=Reason.RETRIES_EXHAUSTED, detail=detail, is_overload=True)


def bad_envelope(detail: str) -> Trouble:
    """A reply that is no chat completion."""
    return Trouble(whose=Whose.SERVER, reason=Reason.BAD_ENVELOPE, detail=detail)


def response_fault(response: Response, *, max_characters: int) -> Fault | None:
    """Why a response is no answer, or None; the same for fresh and for cached ones."""
    if response.finish_reason != "stop":
        reason = response.finish_reason if _CODE.fullmatch(response.finish_reason) else "another reason"
        return Fault(reason=Reason.CUT_SHORT, detail=f"finished by {reason}")
    if not response.content.strip():
        return Fault(reason=Reason.EMPTY_RESPONSE, detail="")
    if len(response.content) > max_characters:
        return Fault(reason=Reason.RESPONSE_TOO_LONG, detail=f"over {max_characters} characters")
    fault = text_fault(response.content)
    if fault is Reason.TEXT_TOO_LONG:
        return Fault(reason=Reason.RESPONSE_TOO_LONG, detail="")
    return Fault(reason=Reason.BAD_TEXT, detail=str(fault)) if fault else None


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None for none, and for the date form, which trusts two clocks.

    >>> retry_after_s("1.5"), retry_after_s("Wed, 21 Oct 2026 07:28:00 GMT"), retry_after_s("nan")
    (1.5, None, None)
    """
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _read_envelope(body: bytes, engine_kind: str) -> Response | Trouble:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return bad_envelope("the body is no JSON")
    if not isinstance(envelope, Mapping):
        return bad_envelope("the body is no JSON object")
    choices = envelope.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], Mapping):
        n_choices = len(choices) if isinstance(choices, list) else 0
        return bad_envelope(f"{n_choices} choices instead of 1")
    return _read_choice(envelope, choices[0], engine_kind)


def _read_choice(envelope: Mapping[str, Any], choice: Mapping[str, Any], engine_kind: str) -> Response | Trouble:
    message, finish_reason, model = choice.get("message"), choice.get("finish_reason"), envelope.get("model")
    if not isinstance(message, Mapping) or not isinstance(finish_reason, str | None) or not isinstance(model, str):
        return bad_envelope("message, finish_reason or model is missing")
    content = message.get("content")
    if not isinstance(content, str | None):
        return bad_envelope("the content is no text")
    return Response(
        content=content or "",
        finish_reason=finish_reason or "",
        response_model=model,
        prompt_tokens=_n_tokens(envelope, "prompt_tokens"),
        completion_tokens=_n_tokens(envelope, "completion_tokens"),
        engine_kind=engine_kind,
        logprobs=choice.get("logprobs"),
    )


def _n_tokens(envelope: Mapping[str, Any], name: str) -> int:
    usage = envelope.get("usage")
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else 0


def _error_code(body: bytes) -> str:
    """The server's own short code. Its message is left out: it may quote the prompt."""
    try:
        error = json.loads(body)["error"]
        code = error.get("code") or error.get("type")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
