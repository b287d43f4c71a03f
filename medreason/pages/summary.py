"""What the terminal says when a build is done.

Belongs: the funnel with quarantine reasons, the controls, where the release lies, what to type next.
Does not belong: progress while it runs (orchestration), the report as a page (report.py).
Rule: it shows the build's report and nothing it would have to read; a part that the report does not have is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from medreason.pages.funnel import STAGES, Step, steps
from medreason.pages.texts import count, counted, share, visible, words

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_BAR_CELLS = 24
_MAX_REASONS = 3
_DEFAULT_ROOT = "var/store/"


def print_summary(report: Mapping[str, Any], *, program: str = "medreason", stream: IO[str] | None = None) -> None:
    """Print the summary of a build.

    Args: the build's report: `dataset`, `release`, `release_id`, `counts`, `quarantine_reasons`, `seconds` by stage;
    how the reader types the program; stream, standard output where none is given.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream or sys.stdout, highlight=False, soft_wrap=False, emoji=False, markup=False)
    for part in _parts(report, program):
        # Lines of text may run over the edge: a terminal folds what it shows, not what is copied.
        console.print(part, soft_wrap=isinstance(part, Text))


def _parts(report: Mapping[str, Any], program: str) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.rule import Rule

    yield Rule(_text(f" {report.get('dataset') or 'medreason'} ", "bold"), style="dim")
    flow = steps(_counts(report), report.get("quarantine_reasons", {}))
    yield Padding(_funnel(flow), (1, 0, 1, 1))
    yield from _facts(report)
    yield _text("")
    yield from _next_commands(report, program)
    yield _text("")


def _counts(report: Mapping[str, Any]) -> dict[str, int]:
    counts: Mapping[str, int] = report.get("counts", {})
    return {name: counts.get(name, 0) for name, _ in STAGES}


def _text(words_: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(visible(words_), style=style)


# ---------------------------------------------------------------- the funnel


def _funnel(flow: tuple[Step, ...]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(overflow="fold", ratio=1)
    for step in flow:
        is_last = step.name == flow[-1].name
        table.add_row(
            _text(step.name, "bold green" if is_last else "bold"),
            _text(bar(step.n, flow[0].n), "green" if is_last else "cyan"),
            _text(count(step.n), "bold"),
            _text(share(step.n, flow[0].n), "dim"),
            _text(loss_words(step), "yellow"),
        )
    return table


def bar(part: int, whole: int, n_cells: int = _BAR_CELLS) -> str:
    """A bar of blocks; what is not nothing has at least one.

    >>> bar(1, 2, 8), bar(1, 1000, 8), bar(0, 5, 8)
    ('████    ', '█       ', '        ')
    """
    n_filled = max(1 if part else 0, part * n_cells // whole) if whole else 0
    return "█" * n_filled + " " * (n_cells - n_filled)


def loss_words(step: Step) -> str:
    """What left before this count, commonest first: `-12  no path 9, no supporting path 3`."""
    if not step.losses:
        return ""
    named = [f"{words(loss.reason)} {count(loss.n)}" for loss in step.losses[:_MAX_REASONS]]
    n_more = len(step.losses) - _MAX_REASONS
    more = [counted(n_more, "more reason")] if n_more > 0 else []
    return f"-{count(step.n_lost)}  {', '.join([*named, *more])}"


# ---------------------------------------------------------------- the release and what to type


def _fact_words(report: Mapping[str, Any]) -> dict[str, str]:
    counts: Mapping[str, int] = report.get("counts", {})
    return {
        "benchmark": f"{counted(counts['benchmark'], 'record')}, kept out" if counts.get("benchmark") else "",
        "quarantined": counted(counts["quarantined"], "record") if counts.get("quarantined") else "",
        "checks": _check_words(report),
        "requests": _request_words(report),
        "version": str(report.get("version", "")),
        "release": short_address(str(report.get("release", ""))),
        "report": short_address(str(report.get("report", ""))),
        "time": _time_words(report),
    }


def _check_words(report: Mapping[str, Any]) -> str:
    """`step support 100 %, with another question's findings 8 %`, for each check that has a control."""
    told = [
        f"{words(check['check'])} {share(check['n_passed'], check['n'])}, "
        f"with another question's findings {share(check['n_control_passed'], check['n_control'])}"
        for check in report.get("checks", [])
    ]
    return "; ".join(told)


def _request_words(report: Mapping[str, Any]) -> str:
    llm = report.get("llm")
    if not isinstance(llm, Mapping):
        return ""
    numbers = {name: value for name, value in llm.items() if isinstance(value, int) and name != "cost_usd"}
    told = [f"{count(value)} {words(name.removeprefix('n_'))}" for name, value in numbers.items()]
    cost_usd = llm.get("cost_usd") or 0
    return ", ".join([*told, f"{cost_usd:.2f} USD"] if cost_usd else told)


def _time_words(report: Mapping[str, Any]) -> str:
    seconds: Mapping[str, float] = report.get("seconds", {})
    stages = [stage for stage in seconds if stage != "all"]
    longest = sorted(stages, key=lambda stage: (-seconds[stage], stage))[:3]
    named = ", ".join(f"{words(stage)} {seconds[stage]:.1f}" for stage in longest)
    whole = f"{seconds['all']:.0f} s; " if "all" in seconds else ""
    return f"{whole}longest stages in seconds: {named}" if stages else ""


def _next_commands(report: Mapping[str, Any], program: str) -> Iterator[RenderableType]:
    """One command per line, its purpose above it: a long address never folds into what is to be copied."""
    release = short_address(str(report.get("release") or "RELEASE"))
    item_id = str(report.get("sample_item_id") or "ITEM_ID")
    quarantined = str(report.get("sample_quarantined_item_id") or "ITEM_ID")
    # Under the root that is looked under anyway, the newest release is this one.
    asked = "" if release.startswith(_DEFAULT_ROOT) else f" --release {release}"
    commands = [
        (f"{program} verify {release}", "check every file, hash and count"),
        (f"{program} audit row {item_id}{asked}", "where a row came from"),
        (f"{program} audit why-not {quarantined}{asked}", "why a record was not released"),
        ("make ui", "every asset, check and run in the browser"),
    ]
    for command, meaning in commands:
        yield _text(f"  # {meaning}", "dim")
        yield _text(f"  {command}", "bold")


def short_address(address: str) -> str:
    """A local folder below the working directory by its relative name, anything else as it is."""
    try:
        return str(Path(address).relative_to(Path.cwd())) if "://" not in address else address
    except ValueError:
        return address


def _facts(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    for name, value in _fact_words(report).items():
        if value:
            yield _text(f"{name:>12}  {value}")
