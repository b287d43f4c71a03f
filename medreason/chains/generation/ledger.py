"""What a run asked, and what it cost.

Belongs: one row per request of the run, sums, its place in the store, the forecast, the budget.
Does not belong: results (cache.py); nothing here enters a release: builds keep it beside the release.
Rule: what was sent is counted, also where it failed; what came from the cache costs nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from medreason.base.canonical import sha256_bytes
from medreason.base.reasons import Outcome, Reason
from medreason.chains.generation.request import Failure, Request, Response
from medreason.chains.generation.settings import PriceTable

if TYPE_CHECKING:
    import pyarrow as pa

    from medreason.base.store import Store

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One distinct request of a run."""

    task: str
    label: str
    request_sha256: str
    outcome: Outcome
    reason: Reason | None
    is_cached: bool
    n_attempts: int
    """Sent in this run: 0 where cached."""
    latency_ms: int
    prompt_tokens: int
    completion_tokens: int
    cost_nano_usd: int
    """By the run's price table; 0 where cached or where there is none."""
    earlier_cost_nano_usd: int
    """What a cached answer cost the run that asked for it, by this run's price table: that run may have been killed
    before it could say so."""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Rows of one run and their sums."""

    prices: PriceTable | None = None
    rows: list[LedgerRow] = field(default_factory=list)
    cost_nano_usd: int = 0

    def cost_of(self, result: Response | Failure) -> int:
        """Cost of one fresh result in billionths of a dollar."""
        if self.prices is None:
            return 0
        return self.prices.cost_nano_usd(result.prompt_tokens, result.completion_tokens)

    def add(self, row: LedgerRow) -> None:
        """Count a row."""
        self.rows.append(row)
        self.cost_nano_usd += row.cost_nano_usd

    def summary(self) -> dict[str, Any]:
        """Sums as JSON: the `llm` object of `medreason build --json`."""
        fresh = [row for row in self.rows if not row.is_cached]
        reasons = Counter(str(row.reason) for row in self.rows if row.reason is not None)
        return {
            "n_requests": len(self.rows),
            "n_cached": len(self.rows) - len(fresh),
            "n_attempts": sum(row.n_attempts for row in fresh),
            "n_deferred": sum(row.outcome is Outcome.DEFERRED for row in self.rows),
            "reasons": dict(sorted(reasons.items())),
            "prompt_tokens": sum(row.prompt_tokens for row in fresh),
            "completion_tokens": sum(row.completion_tokens for row in fresh),
            "cost_usd": self.cost_nano_usd / _NANO,
            "price_table": self.prices.version if self.prices else "",
        }

    def lines(self) -> Iterator[str]:
        """The rows as JSON lines, for programs without Arrow."""
        for row in self.rows:
            yield json.dumps({name: getattr(row, name) for name in LedgerRow.__dataclass_fields__}) + "\n"

    def table(self) -> pa.Table:
        """One row per request of the run, with the price table's version; for the build folder."""
        import pyarrow as pa

        columns: dict[str, list[Any]] = {
            name: [getattr(row, name) for row in self.rows] for name in LedgerRow.__dataclass_fields__
        }
        columns["outcome"] = [str(value) for value in columns["outcome"]]
        columns["reason"] = ["" if value is None else str(value) for value in columns["reason"]]
        columns["price_table"] = [self.prices.version if self.prices else ""] * len(self.rows)
        return pa.table(columns, schema=_schema(pa))


def store_ledger(store: Store, ledger: Ledger) -> str:
    """Keep a ledger under the hash of its bytes; its key, empty where nothing was asked."""
    from medreason.base.store.tables import parquet_bytes

    if not ledger.rows:
        return ""
    raw = parquet_bytes(ledger.table())
    key = f"ledgers/{sha256_bytes(raw)}.parquet"
    store.create(key, raw)
    return key


def gathered(store: Store, *, now: Iterable[str], before: Iterable[str]) -> pa.Table:
    """The ledgers of a build in one table, in the order of tasks and requests.

    Args: keys of ledgers of this run, and of earlier runs whose work it took over; two shards that asked the same have
        one, which counts for both.
    Returns: the columns of `Ledger.table` and `is_of_this_run`. What an answer cost stands in one of its rows: in
        `cost_nano_usd` where a ledger of these paid for it, else in `earlier_cost_nano_usd`. Both columns together sum
        up to what all answers behind the build cost, whoever asked for them.
    """
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [_empty(pa)]
    for is_now, keys in ((True, now), (False, before)):
        for key in keys:
            table = pq.ParquetFile(io.BytesIO(store.read(key))).read()
            tables.append(table.append_column("is_of_this_run", pa.array([is_now] * table.num_rows, pa.bool_())))
    rows = _each_price_once(pa.concat_tables(tables))
    return rows.sort_by([("task", "ascending"), ("request_sha256", "ascending")])


def _each_price_once(rows: pa.Table) -> pa.Table:
    """A request that several steps or shards met was paid for once: its other rows say 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    prices = ("cost_nano_usd", "earlier_cost_nano_usd")
    ordered = rows.sort_by([("request_sha256", "ascending"), *((name, "descending") for name in prices)])
    keys = ordered.column("request_sha256").to_pylist()
    is_first = pa.array([n == 0 or keys[n - 1] != key for n, key in enumerate(keys)], pa.bool_())
    is_due = pc.and_(is_first, pc.equal(ordered.column("cost_nano_usd"), pa.scalar(0, pa.int64())))
    left = pc.if_else(is_due, ordered.column("earlier_cost_nano_usd"), 0)
    return ordered.set_column(ordered.column_names.index("earlier_cost_nano_usd"), "earlier_cost_nano_usd", left)


def costs(rows: pa.Table) -> list[dict[str, Any]]:
    """Sums of gathered ledgers by run, task and price table."""
    keys = ["is_of_this_run", "task", "price_table"]
    counts = (
        *("n_attempts", "prompt_tokens", "completion_tokens", "latency_ms"),
        *("cost_nano_usd", "earlier_cost_nano_usd"),
    )
    summed = rows.group_by(keys, use_threads=False).aggregate(
        [([], "count_all"), ("is_cached", "sum"), *((name, "sum") for name in counts)]
    )
    renamed = {"count_all": "n_requests", "is_cached_sum": "n_cached", **{f"{name}_sum": name for name in counts}}
    named = summed.rename_columns([renamed.get(name, name) for name in summed.column_names])
    return list(named.sort_by([(name, "ascending") for name in keys]).to_pylist())


def _empty(arrow: Any) -> Any:
    return _schema(arrow).append(arrow.field("is_of_this_run", arrow.bool_())).empty_table()


def _schema(arrow: Any) -> Any:
    texts = dict.fromkeys(("task", "label", "request_sha256", "outcome", "reason"), arrow.string())
    counts = dict.fromkeys(
        ("n_attempts", "latency_ms", "prompt_tokens", "completion_tokens", "cost_nano_usd", "earlier_cost_nano_usd"),
        arrow.int64(),
    )
    kinds = {**texts, "is_cached": arrow.bool_(), **counts}
    ordered = [(name, kinds[name]) for name in LedgerRow.__dataclass_fields__]
    return arrow.schema([*ordered, ("price_table", arrow.string())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What asking would take, known before anything is sent."""

    n_requests: int
    """Distinct requests."""
    n_cached: int
    prompt_tokens: int
    """Of those to be sent, at about 4 bytes per token."""
    most_completion_tokens: int
    most_cost_nano_usd: int
    """Should every answer reach `max_tokens`."""

    @property
    def n_outstanding(self) -> int:
        """Requests that would be sent."""
        return self.n_requests - self.n_cached


class Drawn(Protocol):
    """Where the shards of a run get their money from."""

    def draw(self, wanted_nano_usd: int) -> int:
        """As much of this as is left, which from now on is the caller's."""

    def give_back(self, unspent_nano_usd: int) -> None:
        """What the caller did not need."""


@dataclass(slots=True, kw_only=True)
class Purse:
    """What a run may still spend, whatever its steps and shards; in one process."""

    left_nano_usd: int

    @classmethod
    def of(cls, budget_usd: float | None) -> Purse | None:
        """None is no limit."""
        return None if budget_usd is None else cls(left_nano_usd=round(budget_usd * _NANO))

    def draw(self, wanted_nano_usd: int) -> int:
        """See `Drawn.draw`."""
        given = max(0, min(wanted_nano_usd, self.left_nano_usd))
        self.left_nano_usd -= given
        return given

    def give_back(self, unspent_nano_usd: int) -> None:
        """See `Drawn.give_back`."""
        self.left_nano_usd += unspent_nano_usd


@dataclass(slots=True, kw_only=True)
class Budget:
    """A hard limit on cost. What is in flight is reserved at its dearest, so it holds whatever comes back."""

    limit_nano_usd: int | None
    """With a purse: what was drawn so far."""
    prices: PriceTable | None
    purse: Drawn | None = None
    draw_at_once_nano_usd: int = 0
    spent_nano_usd: int = 0
    reserved_nano_usd: int = 0

    @classmethod
    def of(cls, budget_usd: float | None, prices: PriceTable | None, purse: Drawn | None = None) -> Budget:
        """None is no limit; with a purse the budget is the whole run's, and is drawn from it in hundredths."""
        whole = None if budget_usd is None else round(budget_usd * _NANO)
        if whole is None or purse is None:
            return cls(limit_nano_usd=whole, prices=prices)
        return cls(limit_nano_usd=0, prices=prices, purse=purse, draw_at_once_nano_usd=whole // 100)

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.limit_nano_usd is not None

    def admits(self, request: Request) -> bool:
        """Whether the limit holds even if this request and all in flight come out at their dearest."""
        if self.limit_nano_usd is None:
            return True
        missing = self.spent_nano_usd + self.reserved_nano_usd + self.dearest(request) - self.limit_nano_usd
        if missing > 0 and self.purse is not None:
            drawn = self.purse.draw(max(missing, self.draw_at_once_nano_usd))
            self.limit_nano_usd += drawn
            missing -= drawn
        return missing <= 0

    def close(self) -> None:
        """Give back what is neither spent nor may be so: what is still in flight stays taken."""
        if self.purse is not None and self.limit_nano_usd is not None:
            self.purse.give_back(self.limit_nano_usd - self.spent_nano_usd - self.reserved_nano_usd)
            self.limit_nano_usd = self.spent_nano_usd + self.reserved_nano_usd

    def reserve(self, request: Request) -> None:
        """The request goes out."""
        self.reserved_nano_usd += self.dearest(request)

    def settle(self, request: Request, cost_nano_usd: int) -> None:
        """The request came back."""
        self.reserved_nano_usd -= self.dearest(request)
        self.spent_nano_usd += cost_nano_usd

    def dearest(self, request: Request) -> int:
        """Most that one answer can cost: no tokenizer makes more tokens than bytes, and chat templates add some."""
        if self.prices is None:
            return 0
        n_prompt = len(request.messages_json) + 256
        return self.prices.cost_nano_usd(n_prompt, request.form.sampling.max_tokens)
