"""One server among several: what it may be given now, and whether it lives and serves the model.

Belongs: the state of a replica, the check before the first request, the health probe.
Does not belong: which request goes where (openai.py), the laws of concurrency (generation/concurrency.py).
Rule: a replica that fails several times in a row rests; with one replica alone there is nothing to rest for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medreason.base.errors import BadConfiguration
from medreason.base.reasons import Reason
from medreason.chains.generation.concurrency import ConcurrencyLimit, Pace
from medreason.chains.generation.gate import MAX_BODY_BYTES, Trouble, Whose
from medreason.chains.generation.request import Response

if TYPE_CHECKING:
    import aiohttp

_FAILURES_BEFORE_REST = 3
_REST_S = 5.0
_N_TRIES = 3
_BETWEEN_TRIES_S = 0.5
_PROBE_DEADLINE_S = 10.0
_N_NAMES = 5


@dataclass(slots=True, kw_only=True, eq=False)
class Replica:
    """A base URL with its limits."""

    url: str
    """Up to and with `/v1`, no slash at the end."""
    limit: ConcurrencyLimit
    pace: Pace
    n_in_flight: int = 0
    n_failed_in_a_row: int = 0
    may_rest: bool = False
    rests_until_s: float = float("-inf")

    @classmethod
    def all_of(cls, urls: Sequence[str], concurrency: int) -> list[Replica]:
        """A replica for each URL, each of which may be given everything at once."""
        return [
            cls(url=url.rstrip("/"), limit=ConcurrencyLimit(most=concurrency), pace=Pace(), may_rest=len(urls) > 1)
            for url in urls
        ]

    @property
    def completions_url(self) -> str:
        """Where requests go."""
        return f"{self.url}/chat/completions"

    @property
    def is_full(self) -> bool:
        """Nothing more may be in flight."""
        return self.n_in_flight >= int(self.limit.now_allowed)

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until a request may go out; 0 takes the slot, None waits for one in flight."""
        if self.is_full:
            return None
        if now_s < self.rests_until_s:
            return self.rests_until_s - now_s
        return self.pace.wait_s(now_s)

    def learn(self, outcome: Response | Trouble, *, now_s: float, sent_s: float) -> bool:
        """Draw the lesson of an attempt that ended; False where it was refused with a crowd that was thinned since.

        Such a refusal says nothing of the request.
        """
        self.n_in_flight -= 1
        if isinstance(outcome, Trouble) and outcome.whose is Whose.LIMIT:
            self.pace.refused(now_s, 1.0 if outcome.retry_after_s is None else outcome.retry_after_s)
            return True
        if isinstance(outcome, Response) or outcome.whose is Whose.REQUEST:
            self.n_failed_in_a_row = 0
            self.limit.succeeded()
            return True
        self.n_failed_in_a_row += 1
        if self.may_rest and self.n_failed_in_a_row >= _FAILURES_BEFORE_REST:
            self.rests_until_s = now_s + _REST_S
        # A timeout has cost its whole deadline, so it counts as an attempt in a crowd as well.
        is_first = not outcome.is_overload or self.limit.overloaded(now_s, sent_s)
        return is_first or outcome.reason is Reason.TIMED_OUT


async def check_replicas(session: aiohttp.ClientSession, replicas: Sequence[Replica], model: str) -> int:
    """How many replicas can be reached; those that cannot rest for a while.

    Raises: BadConfiguration where one refuses the key or serves other models.
    """
    reached = await asyncio.gather(*(_is_reached(session, replica, model) for replica in replicas))
    now_s = asyncio.get_running_loop().time()
    for replica, is_reached in zip(replicas, reached, strict=True):
        replica.rests_until_s = replica.rests_until_s if is_reached else now_s + _REST_S
    return sum(reached)


async def _is_reached(session: aiohttp.ClientSession, replica: Replica, model: str) -> bool:
    for n_tried in range(_N_TRIES):
        if n_tried:
            await asyncio.sleep(_BETWEEN_TRIES_S)
        if await is_healthy(session, replica, model):
            return True
    return False


async def is_healthy(session: aiohttp.ClientSession, replica: Replica, model: str) -> bool:
    """Whether the server answers, and serves the model.

    Raises: BadConfiguration where it answers that we are in the wrong place.
    """
    import aiohttp

    try:
        async with (
            asyncio.timeout(_PROBE_DEADLINE_S),
            session.get(f"{replica.url}/models", allow_redirects=False) as reply,
        ):
            body = await read_body(reply)
            return body is not None and _judge_models(reply.status, body, model)
    except (TimeoutError, aiohttp.ClientError, OSError):
        return False


async def read_body(reply: aiohttp.ClientResponse) -> bytes | None:
    """The whole body; None where it passes MAX_BODY_BYTES, of which no more is then read."""
    parts, n_bytes = [], 0
    async for part in reply.content.iter_any():
        parts.append(part)
        n_bytes += len(part)
        if n_bytes > MAX_BODY_BYTES:
            return None
    return b"".join(parts)


def _judge_models(status: int, body: bytes, model: str) -> bool:
    if status in (401, 403):
        raise BadConfiguration(
            f"the endpoint refuses the key (HTTP {status})",
            where="engine.api_key_env",
            remedy="Name the environment variable that holds a valid key.",
        )
    if status in (404, 405):
        return True  # gateways without a list of models: each answer names its model anyway
    served = _served_models(body) if status == 200 else None
    if served is not None and model not in served:
        raise BadConfiguration(
            f"the endpoint serves {_few(served) or 'no model'}, not {model}",
            where="engine.model",
            remedy="Correct engine.model, or start the server with this model.",
        )
    return served is not None


def _few(names: Sequence[str]) -> str:
    """The first names, cut: gateways list hundreds, and what they call them is their affair."""
    told = ", ".join(name[:100] for name in names[:_N_NAMES])
    return f"{told} and {len(names) - _N_NAMES} more" if len(names) > _N_NAMES else told


def _served_models(body: bytes) -> list[str] | None:
    """Names in a `/v1/models` reply; None where it is none."""
    import json

    try:
        entries = json.loads(body)["data"]
        return sorted(str(entry["id"]) for entry in entries)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
