"""`medreason build` and `medreason ui`: the commands that need Dagster.

Belongs: arguments, the in-process run, progress and summary on the terminal, exit codes of a run.
Does not belong: what a build does (assets/), what a summary says (medreason/pages/summary.py).
Rule: a build from the terminal uses the UI's instance (DAGSTER_HOME, var/dagster by default), so that the UI shows it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medreason.base.errors import GateFailed, MedReasonError

CHECKOUT = Path(__file__).resolve().parents[1]
BUILD_EXAMPLE = "example:\n  medreason build --config configs/sample.yaml --root var/store"


def register_build(commands: Any) -> None:
    """Add `medreason build`."""
    parser = commands.add_parser(
        "build",
        help="build a release from a configuration",
        epilog=BUILD_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=None, help="configuration file (default: configs/sample.yaml)")
    parser.add_argument("--root", default=None, help="folder or s3:// URL to write under (default: var/store)")
    parser.add_argument("--data", type=Path, default=None, help="folder that relative URLs are taken from")
    parser.add_argument("--plan", action="store_true", help="check the configuration and say what would be done")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.set_defaults(run=run_build)


def register_ui(commands: Any) -> None:
    """Add `medreason ui`."""
    parser = commands.add_parser("ui", help="open the Dagster UI on this machine (127.0.0.1)")
    parser.add_argument("--port", type=int, default=3000, help="port (default: 3000)")
    parser.set_defaults(run=run_ui)


def run_build(arguments: argparse.Namespace) -> int:
    """Plan or build; see `--help`."""
    config = (
        arguments.config or Path(os.environ.get("MEDREASON_CONFIG") or CHECKOUT / "configs/sample.yaml")
    ).resolve()
    data = arguments.data.resolve() if arguments.data else None
    if arguments.plan:
        return _plan(config, data, as_json=arguments.json)
    started = time.monotonic()
    prepare_environment()
    end_means_interrupt()
    from medreason.base.store import require_writable
    from medreason.configuration import check_inputs, load_configuration

    check_inputs(load_configuration(config, data=data))
    settings = {"config": str(config), "root": _root(arguments.root), "data": str(data or "")}
    require_writable(settings["root"])
    with _watching(quiet=arguments.quiet or arguments.json):
        report = _run(settings)
    report["seconds"]["all"] = round(time.monotonic() - started, 1)
    _print(report, quiet=arguments.quiet, as_json=arguments.json)
    return 0


def run_ui(arguments: argparse.Namespace) -> int:
    """Start the web server and daemon; ends with Ctrl-C."""
    prepare_environment()
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(CHECKOUT / "workspace.yaml")]
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [*command, "--host", "127.0.0.1", "--port", str(arguments.port)])


def prepare_environment() -> None:
    """DAGSTER_HOME with its settings file; nothing phones home."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(CHECKOUT / "var" / "dagster")))
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CHECKOUT / "dagster.yaml", home / "dagster.yaml")
    for name in ("DO_NOT_TRACK", "DAGSTER_DISABLE_TELEMETRY", "VLLM_NO_USAGE_STATS"):
        os.environ.setdefault(name, "1")
    for name, value in (("GX_ANALYTICS_ENABLED", "false"), ("RAY_USAGE_STATS_ENABLED", "0")):
        os.environ.setdefault(name, value)


def end_means_interrupt() -> None:
    """SIGTERM, which supervisors send, cancels a run as Ctrl-C does: its jobs on a cluster end with it."""
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))


def _root(given: str | None) -> str:
    root = given or os.environ.get("MEDREASON_ROOT") or str(CHECKOUT / "var" / "store")
    return root if "://" in root else str(Path(root).resolve())


def _plan(config: Path, data: Path | None, *, as_json: bool) -> int:
    from medreason.configuration import load_configuration, plan

    text = plan(load_configuration(config, data=data))
    sys.stdout.write(json.dumps(text) + "\n" if as_json else "\n".join(_plan_lines(text)) + "\n")
    return 0


def _plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    for heading, lines in plan.items():
        yield f"{heading}:"
        for line in lines if isinstance(lines, list) else [lines]:
            yield f"  {line}"


def _run(settings: dict[str, str]) -> dict[str, Any]:
    import dagster as dg

    from orchestration.definitions import defs

    run_config = {
        "resources": {"settings": {"config": settings}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with dg.DagsterInstance.get() as instance:
        job = defs.resolve_job_def("build")
        try:
            result = job.execute_in_process(run_config=run_config, instance=instance)
        except dg.DagsterExecutionInterruptedError as error:
            raise KeyboardInterrupt from error
        except dg.DagsterError as error:
            raise _ours(error) from error
        return _report(result, instance)


def _ours(error: BaseException) -> BaseException:
    """The MedReasonError under Dagster's, a failed blocking check as GateFailed, else the error itself."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, MedReasonError):
            return below
        below = below.__cause__ or below.__context__
    if "check" in type(error).__name__.lower():
        return GateFailed(str(error).strip(), where="asset checks")
    return error


def _report(result: Any, instance: Any) -> dict[str, Any]:
    import dagster as dg

    events = [event for event in result.all_events if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION]
    made = [event.step_materialization_data.materialization for event in events]
    metadata = {one.asset_key.to_user_string(): one.metadata for one in made}
    seconds: dict[str, float] = {}
    for step in instance.get_run_step_stats(result.run_id):
        stage = step.step_key.split("__")[0]
        seconds[stage] = round(seconds.get(stage, 0.0) + ((step.end_time or 0) - (step.start_time or 0)), 2)
    released = dict(metadata["release/folder"]["report"].value)
    return {**released, "llm": _asked(metadata), "reused": _is_reused(metadata), "seconds": seconds}


def _asked(metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What this run asked of the engine, over the steps that ask; a reused step asked nothing."""
    from medreason.chains.jobs import ASKED

    steps = [metadata[asset] for asset in ("grounding/outcomes", "chains/chains", "verification/verdicts")]
    asked = [step["llm"].value for step in steps if "llm" in step and not step["reused"].value]
    return {name: sum(one[name] for one in asked) for name in ASKED}


def _is_reused(metadata: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether nothing was made anew."""
    return all(one["reused"].value for one in metadata.values() if "reused" in one)


def _print(report: dict[str, Any], *, quiet: bool, as_json: bool) -> None:
    if not quiet and not as_json:
        from medreason.pages.summary import print_summary

        print_summary(report, program=_program())
    if as_json:
        sys.stdout.write(json.dumps(report, sort_keys=True) + "\n")


def _program() -> str:
    """How the reader types this program: its name where the shell finds it, else its place."""
    from medreason.pages.summary import short_address

    own = Path(sys.argv[0]).absolute()
    found = shutil.which("medreason")
    return "medreason" if own.name != "medreason" or (found and Path(found) == own) else short_address(str(own))


@contextlib.contextmanager
def _watching(*, quiet: bool) -> Iterator[None]:
    """Progress bars on standard error, unless quiet or no terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from medreason.base.progress import reporting_to
    from orchestration.bars import Bars

    with Bars() as bars, reporting_to(bars):
        yield
