"""What follows an attempt, and how much a server is given: tables and laws, no clock.

Belongs: next_action, the concurrency limit, pacing (against a simulated server), the breaker.
Does not belong: real sockets (test_engines_openai.py).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.reasons import Outcome, Reason
from medreason.chains.generation.concurrency import Breaker, ConcurrencyLimit, Pace
from medreason.chains.generation.gate import Trouble, Whose
from medreason.chains.generation.request import Response
from medreason.chains.generation.retry import Accept, Action, Defer, Quarantine, Resend, RetryPolicy, next_action

POLICY = RetryPolicy(max_attempts=3, first_delay_s=1.0, max_delay_s=10.0, limit_patience_s=60.0)
RESPONSE = Response(
    content="", finish_reason="length", response_model="m", prompt_tokens=0, completion_tokens=0, engine_kind="openai"
)


def trouble(whose: Whose, retry_after_s: float | None = None) -> Trouble:
    """An attempt that failed."""
    return Trouble(whose=whose, reason=Reason.TIMED_OUT, detail="d", retry_after_s=retry_after_s)


def act(outcome: Response | Trouble, **known: Any) -> Action:
    """next_action with jitter in the middle."""
    return next_action(outcome, **{"n_failed": 1, "waited_s": 0.0, "jitter": 0.5, "policy": POLICY} | known)


ACTIONS = {
    "an answer, however bad": (RESPONSE, {}, Accept(response=RESPONSE)),
    "first failure": (trouble(Whose.SERVER), {}, Resend(delay_s=1.0, counts=True)),
    "second failure waits twice as long": (trouble(Whose.SERVER), {"n_failed": 2}, Resend(delay_s=2.0, counts=True)),
    "told to wait after an error": (trouble(Whose.SERVER, 7.0), {}, Resend(delay_s=7.0, counts=True)),
    "told to wait for a day": (trouble(Whose.SERVER, 86400.0), {}, Resend(delay_s=10.0, counts=True)),
    "limited": (trouble(Whose.LIMIT, 7.0), {"n_failed": 99}, Resend(delay_s=7.0, counts=False)),
    "limited near the end of patience": (
        trouble(Whose.LIMIT, 50.0),
        {"waited_s": 40.0},
        Resend(delay_s=20.0, counts=False),
    ),
}


@pytest.mark.parametrize(("outcome", "known", "expected"), ACTIONS.values(), ids=ACTIONS)
def test_what_goes_on(outcome: Response | Trouble, known: dict[str, Any], expected: Action) -> None:
    assert act(outcome, **known) == expected


def test_a_request_that_is_refused_is_never_sent_again() -> None:
    action = act(trouble(Whose.REQUEST), n_failed=0)
    assert isinstance(action, Quarantine)
    assert not action.needs_living_server


def test_the_last_failure_condemns_only_under_a_living_server() -> None:
    action = act(trouble(Whose.SERVER), n_failed=3)
    assert isinstance(action, Quarantine)
    assert action.needs_living_server
    assert action.failure.reason is Reason.TIMED_OUT


def test_a_closed_door_is_an_outage_and_patience_ends_in_a_deferral() -> None:
    closed, patient = act(trouble(Whose.DOOR)), act(trouble(Whose.LIMIT), waited_s=60.0)
    assert isinstance(closed, Defer)
    assert isinstance(patient, Defer)
    assert (closed.is_outage, patient.is_outage) == (True, False)
    assert closed.failure.outcome is patient.failure.outcome is Outcome.DEFERRED


@given(
    whose=st.sampled_from(list(Whose)),
    retry_after_s=st.none() | st.floats(0, 1e9),
    n_failed=st.integers(0, 50),
    waited_s=st.floats(0, 1e6),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_pauses_are_bounded_and_attempts_end(
    whose: Whose, retry_after_s: float | None, n_failed: int, waited_s: float, jitter: float
) -> None:
    action = act(trouble(whose, retry_after_s), n_failed=n_failed, waited_s=waited_s, jitter=jitter)
    if isinstance(action, Resend):
        assert 0 <= action.delay_s <= POLICY.limit_patience_s
        assert n_failed < POLICY.max_attempts or whose is Whose.LIMIT


# --- concurrency -----------------------------------------------------------------------------------------------------


def test_concurrency_starts_at_the_top_halves_once_per_burst_and_comes_back() -> None:
    limit = ConcurrencyLimit(most=64)
    assert limit.now_allowed == 64
    lowered = [limit.overloaded(now_s=10.0 + number / 1000, sent_s=9.9) for number in range(64)]
    assert lowered == [True] + [False] * 63, "all of them were sent before the first came back"
    assert limit.now_allowed == 32
    assert limit.overloaded(now_s=10.2, sent_s=10.1)
    assert limit.now_allowed == 16
    for _ in range(3000):
        limit.succeeded()
    assert limit.now_allowed == 64


@given(signs=st.lists(st.booleans(), max_size=200))
def test_concurrency_stays_between_one_and_the_most(signs: list[bool]) -> None:
    limit = ConcurrencyLimit(most=8)
    for now_s, is_good in enumerate(signs):
        limit.succeeded() if is_good else limit.overloaded(float(now_s), sent_s=float(now_s))
        assert 1 <= limit.now_allowed <= 8


def test_failures_in_a_row_alone_are_suspicious() -> None:
    breaker = Breaker(suspicious_after=3)
    for _ in range(10):
        breaker.failed("HTTP 500")
        breaker.failed("HTTP 500")
        assert not breaker.is_suspicious
        breaker.succeeded()
    for _ in range(3):
        breaker.failed("HTTP 500")
    assert breaker.is_suspicious
    assert not breaker.is_open


# --- pacing, against a server that allows so many in each window ------------------------------------------------------


def share_of_ideal(n: int, allowed: int, *, window_s: float, phase: float, is_exact: bool) -> float:
    """Simulated time for `n` requests over what a server with fixed windows needs at least.

    Args: phase is where in a window the first request falls; is_exact servers ask to wait for the window's end, others
        for a whole window. 64 in flight, 50 ms each.
    """
    begun_s = now_s = phase * window_s
    pace, n_done = Pace(), 0
    flying: list[float] = []
    taken: Counter[int] = Counter()
    while n_done < n:
        while flying and flying[0] <= now_s:
            flying.pop(0)
            n_done += 1
        has_room = len(flying) < 64 and n_done + len(flying) < n
        wait_s = pace.wait_s(now_s) if has_room else 1.0
        if wait_s > 0:
            now_s = min([now_s + wait_s, *flying[:1]]) + 1e-6
            continue
        window = int(now_s / window_s)
        taken[window] += 1
        if taken[window] > allowed:
            pace.refused(now_s, (window + 1) * window_s - now_s if is_exact else window_s)
        else:
            flying.append(now_s + 0.05)
    return (now_s - begun_s) / (n / allowed * window_s)


STORMS = {
    "200 a second": (2000, 200, 1.0),
    "150 a second": (2000, 150, 1.0),
    "100 a second": (2000, 100, 1.0),
    "30 in ten seconds": (600, 30, 10.0),
    "900 a second, for long": (30_000, 900, 1.0),
}


@pytest.mark.parametrize(("n", "allowed", "window_s"), STORMS.values(), ids=STORMS)
@pytest.mark.parametrize("is_exact", [False, True])
def test_a_storm_ends_within_a_fifth_of_what_the_server_allows(
    n: int, allowed: int, window_s: float, is_exact: bool
) -> None:
    phases = [0.0, 0.3, 0.6, 0.9]
    shares = [share_of_ideal(n, allowed, window_s=window_s, phase=phase, is_exact=is_exact) for phase in phases]
    assert max(shares) <= 1.2


def test_without_a_refusal_nothing_waits() -> None:
    pace = Pace()
    assert all(pace.wait_s(0.0) == 0.0 for _ in range(10_000))


def test_a_pause_that_was_asked_for_is_kept() -> None:
    pace = Pace()
    pace.wait_s(0.0)
    pace.refused(1.0, 5.0)
    assert pace.wait_s(3.0) == pytest.approx(3.0)
    assert pace.wait_s(5.99) > 0
    assert pace.wait_s(6.0) == 0.0
