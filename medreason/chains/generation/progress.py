"""How far a run of requests is.

Belongs: the state that a watcher sees, the rule when it is told, and the calls of many shards put together.
Does not belong: bars and metadata (whoever watches draws them).
Rule: a watcher is told at most twice a second, and at the end.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from medreason.base.reasons import Outcome
from medreason.chains.generation.ledger import Forecast, LedgerRow

_EVERY_S = 0.5
_call_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressState:
    """One look at a run."""

    task: str
    label: str
    n_total: int
    """Answers asked for; equal requests count once each time they are asked."""
    n_done: int
    n_cached: int
    n_deferred: int
    failed: Mapping[str, int]
    """Count by reason."""
    completion_tokens: int
    cost_nano_usd: int
    seconds: float
    n_to_send: int | None = None
    """As forecast before the first request went out; None where nothing is charged."""
    most_cost_nano_usd: int | None = None
    """Of those, should every answer come out at its longest."""
    call_no: int = 0
    """Tells the calls of one process apart."""

    @property
    def tokens_per_s(self) -> float:
        """Completion tokens of this run per second."""
        return self.completion_tokens / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """By the rate of what was not cached; None while nothing is known."""
        n_fresh = self.n_done - self.n_cached
        return self.seconds / n_fresh * (self.n_total - self.n_done) if n_fresh else None

    def line(self) -> str:
        """The state in a few words, for a person who waits.

        >>> ProgressState(task="write", label="", n_total=90, n_done=40, n_cached=10, n_deferred=0,
        ...               failed={"timed_out": 2}, completion_tokens=600, cost_nano_usd=0, seconds=3.0).line()
        'write 40/90, 10 cached, timed_out 2, 200 tokens/s, 5 s left'
        >>> ProgressState(task="write", label="", n_total=90, n_done=0, n_cached=0, n_deferred=0, failed={},
        ...               completion_tokens=0, cost_nano_usd=0, seconds=0.0, n_to_send=80,
        ...               most_cost_nano_usd=3 * 10**9).line()
        'write 0/90, 80 to send for at most 3.00 USD'
        """
        left = [f"{self.seconds_left:.0f} s left"] if self.seconds_left else []
        return ", ".join([*self.words(), *left])

    def words(self) -> list[str]:
        """What the line is put together from, but for the time left."""
        parts = [f"{self.task} {self.n_done}/{self.n_total}"]
        if self.n_to_send is not None and not self.cost_nano_usd:
            parts.append(f"{self.n_to_send} to send for at most {(self.most_cost_nano_usd or 0) / 1e9:.2f} USD")
        parts += [
            f"{count} {name}" for name, count in (("cached", self.n_cached), ("deferred", self.n_deferred)) if count
        ]
        parts += [f"{reason} {count}" for reason, count in sorted(self.failed.items())]
        if self.completion_tokens:
            parts.append(f"{self.tokens_per_s:.0f} tokens/s")
        if self.cost_nano_usd:
            parts.append(f"{self.cost_nano_usd / 1e9:.2f} USD")
        return parts


Watcher = Callable[[ProgressState], None]


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts of one call; tells the watcher now and then."""

    task: str
    label: str
    n_total: int
    watcher: Watcher | None
    n_done: int = 0
    n_cached: int = 0
    n_deferred: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    completion_tokens: int = 0
    cost_nano_usd: int = 0
    forecast: Forecast | None = None
    _call_no: int = field(default_factory=_call_numbers.__next__)
    _begun_at_s: float = field(default_factory=time.monotonic)
    _told_at_s: float = 0.0

    def count(self, row: LedgerRow, n_answers: int) -> None:
        """A result came that this many answers share."""
        self.n_done += n_answers
        self.n_cached += n_answers if row.is_cached else 0
        self.n_deferred += n_answers if row.outcome is Outcome.DEFERRED else 0
        if row.reason is not None:
            self.failed[str(row.reason)] = self.failed.get(str(row.reason), 0) + n_answers
        self.cost_nano_usd += row.cost_nano_usd
        self.completion_tokens += 0 if row.is_cached else row.completion_tokens
        if self.watcher is not None:
            self.tell(now=False)

    def tell(self, *, now: bool) -> None:
        """Tell the watcher, if it is time."""
        at_s = time.monotonic()
        if self.watcher is None or (not now and at_s - self._told_at_s < _EVERY_S):
            return
        self._told_at_s = at_s
        self.watcher(self.state(at_s - self._begun_at_s))

    def state(self, seconds: float) -> ProgressState:
        """The counts as they are."""
        return ProgressState(
            task=self.task,
            label=self.label,
            n_total=self.n_total,
            n_done=self.n_done,
            n_cached=self.n_cached,
            n_deferred=self.n_deferred,
            failed=dict(self.failed),
            completion_tokens=self.completion_tokens,
            cost_nano_usd=self.cost_nano_usd,
            seconds=seconds,
            n_to_send=self.forecast.n_outstanding if self.forecast else None,
            most_cost_nano_usd=self.forecast.most_cost_nano_usd if self.forecast else None,
            call_no=self._call_no,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One look at a job: its shards, and the requests of all that have begun."""

    n_shards: int
    n_shards_done: int
    requests: ProgressState | None
    """Sums over calls; None before the first one says anything."""
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """By shards where one is done and another waits, else by requests; None while nothing is known."""
        if 0 < self.n_shards_done < self.n_shards:
            return self.seconds / self.n_shards_done * (self.n_shards - self.n_shards_done)
        return self.requests.seconds_left if self.requests else None

    def line(self) -> str:
        """In a few words."""
        asked = self.requests.words() if self.requests else []
        left = [f"{self.seconds_left:.0f} s left"] if self.seconds_left else []
        return ", ".join([f"{self.n_shards_done}/{self.n_shards} shards", *asked, *left])

    def shown(self) -> dict[str, Any]:
        """As JSON for people and Dagster: counts, failures by reason, speed, cost, time left."""
        left = self.seconds_left
        return {
            "shards_done": self.n_shards_done,
            "shards": self.n_shards,
            **(_shown(self.requests) if self.requests else {}),
            **({} if left is None else {"seconds_left": round(left)}),
        }

    def as_json(self) -> dict[str, Any]:
        """For another process; see `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> JobProgress:
        """What `as_json` gave."""
        requests = value["requests"]
        return cls(**{**value, "requests": ProgressState(**requests) if requests else None})


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the calls of a job's shards have done together, on any number of workers."""

    n_shards: int
    n_shards_done: int = 0
    _states: dict[int, dict[int, ProgressState]] = field(default_factory=dict)
    """By shard and call."""
    _begun_at_s: float = field(default_factory=time.monotonic)

    def begin(self, number: int) -> None:
        """A shard begins; what an earlier worker said of it no longer counts."""
        self._states[number] = {}

    def take(self, number: int, state: ProgressState) -> None:
        """How far a call of this shard is."""
        self._states.setdefault(number, {})[state.call_no] = state

    def seen(self) -> JobProgress:
        """All calls together."""
        seconds = time.monotonic() - self._begun_at_s
        states = [state for calls in self._states.values() for state in calls.values()]
        requests = _summed(states, seconds) if states else None
        return JobProgress(n_shards=self.n_shards, n_shards_done=self.n_shards_done, requests=requests, seconds=seconds)


def _summed(states: list[ProgressState], seconds: float) -> ProgressState:
    failed: Counter[str] = Counter()
    for state in states:
        failed.update(state.failed)
    tasks = {state.task for state in states}
    return ProgressState(
        task=tasks.pop() if len(tasks) == 1 else "requests",
        label="",
        n_total=sum(state.n_total for state in states),
        n_done=sum(state.n_done for state in states),
        n_cached=sum(state.n_cached for state in states),
        n_deferred=sum(state.n_deferred for state in states),
        failed=dict(failed),
        completion_tokens=sum(state.completion_tokens for state in states),
        cost_nano_usd=sum(state.cost_nano_usd for state in states),
        seconds=seconds,
        n_to_send=_sum_of_known(state.n_to_send for state in states),
        most_cost_nano_usd=_sum_of_known(state.most_cost_nano_usd for state in states),
    )


def _sum_of_known(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _shown(requests: ProgressState) -> dict[str, Any]:
    shown = {
        "requests_done": requests.n_done,
        "requests_known": requests.n_total,
        "cached": requests.n_cached,
        "deferred": requests.n_deferred,
        "failed": dict(requests.failed),
        "tokens_per_s": round(requests.tokens_per_s, 1),
        "cost_usd": requests.cost_nano_usd / 1e9,
    }
    if requests.n_to_send is None:
        return shown
    forecast = {"forecast_requests": requests.n_to_send, "forecast_most_usd": (requests.most_cost_nano_usd or 0) / 1e9}
    return {**shown, **forecast}
