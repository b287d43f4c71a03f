"""How much one server is given at once, and when it counts as down.

Belongs: additive increase and multiplicative decrease of requests in flight, pacing after 429, the breaker; no clock of
their own, times are passed in (seconds of any steady clock).
Does not belong: a single request's retries (retry.py), sockets (engines/).
Rule: begin with all that was asked for; only the server's own signs lower it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class ConcurrencyLimit:
    """Requests in flight: halved on a sign of overload, one more per window of successes.

    What was in flight together is one sign: it was all sent before anybody could know.
    """

    most: int
    now_allowed: float = 0.0
    _lowered_at: float = float("-inf")

    def __post_init__(self) -> None:
        """Start at the top: a low start costs minutes at the servers that could take all."""
        self.now_allowed = float(self.most)

    def succeeded(self) -> None:
        """One answer came: after about `now_allowed` of them the limit is one higher."""
        if self.now_allowed < self.most:
            self.now_allowed = min(float(self.most), self.now_allowed + 1.0 / self.now_allowed)

    def overloaded(self, now_s: float, sent_s: float) -> bool:
        """A timeout or 5xx to what was sent then; False where the limit was lowered since."""
        if sent_s < self._lowered_at:
            return False
        self.now_allowed = max(1.0, self.now_allowed / 2)
        self._lowered_at = now_s
        return True


@dataclass(slots=True, kw_only=True)
class Pace:
    """Requests per second, once a server has said 429; before that there is none.

    Between two refusals the server took so many requests: over the time they took, or over the pause that it asked for
    where that is longer (providers ask for about one of their windows). Of this rate 95 % are used from then on, since
    every further refusal costs a whole pause; it rises slowly, and more slowly after each refusal. Simulated over
    windows of one and ten seconds, begun at any moment in them: tests/chains/test_retry.py.
    """

    growth_per_s: float = 0.002
    rate_per_s: float | None = None
    blocked_until_s: float = float("-inf")
    _began_s: float | None = None
    """When the first request after the last pause went out."""
    _refused_s: float | None = None
    _n_sent: int = 0
    _n_refused: int = 0
    _next_send_s: float = float("-inf")
    _grown_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next request may go out; 0 for now. A call that gives 0 takes the slot."""
        if now_s < self.blocked_until_s:
            return self.blocked_until_s - now_s
        if self._refused_s is not None:
            self._settle(self._refused_s, now_s)
        if self._began_s is None:
            self._began_s = now_s
        if self.rate_per_s is not None:
            self.rate_per_s *= 1 + self.growth_per_s * (now_s - self._grown_s)
            self._grown_s = now_s
            if now_s < self._next_send_s:
                return self._next_send_s - now_s
            # A late caller does not lose its slots: up to 0.1 s of them are made up for.
            self._next_send_s = max(self._next_send_s, now_s - 0.1) + 1.0 / self.rate_per_s
        self._n_sent += 1
        return 0.0

    def refused(self, now_s: float, pause_s: float) -> None:
        """The server said 429 and asked for this pause."""
        self._n_refused += 1
        self._refused_s = now_s if self._refused_s is None else self._refused_s
        self.blocked_until_s = max(self.blocked_until_s, now_s + pause_s)

    def _settle(self, refused_s: float, now_s: float) -> None:
        """The pause is over, and all that was in flight has come back: draw the lesson."""
        began_s = refused_s if self._began_s is None else self._began_s
        n_taken = max(1, self._n_sent - self._n_refused)
        rate = 0.95 * n_taken / max(refused_s - began_s, self.blocked_until_s - refused_s, 1e-3)
        if self.rate_per_s is not None:
            rate, self.growth_per_s = min(rate, self.rate_per_s), self.growth_per_s / 2
        self.rate_per_s, self._grown_s, self._next_send_s = rate, now_s, now_s
        self._began_s = self._refused_s = None
        self._n_sent = self._n_refused = 0


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Whether the endpoint is down.

    Failures in a row, over all requests, raise the suspicion; a probe decides, since at the end of a run only the
    requests may be left that fail every time.
    """

    suspicious_after: int = 20
    n_in_a_row: int = 0
    last_seen: str = ""
    is_open: bool = False
    why: str = ""

    @property
    def is_suspicious(self) -> bool:
        """Time for a probe."""
        return not self.is_open and self.n_in_a_row >= self.suspicious_after

    def succeeded(self) -> None:
        """Any usable answer, a refusal of one request alone, a probe: the endpoint lives."""
        self.n_in_a_row = 0

    def failed(self, detail: str) -> None:
        """An attempt failed in a way that an outage explains."""
        self.n_in_a_row += 1
        self.last_seen = detail

    def open(self, why: str) -> None:
        """Give up for this run."""
        if not self.is_open:
            self.is_open, self.why = True, why
