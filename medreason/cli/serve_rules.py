"""`medreason serve-rules`: an OpenAI-compatible server on loopback over the rule engine.

Belongs: arguments, starting and ending.
Does not belong: the server (chains/engines/rule_server.py), the faults (chains/engines/rehearsal.py).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import textwrap

from medreason.chains.engines.rehearsal import FAULTS

EXAMPLES = """examples:
  medreason serve-rules --port 8399
  medreason serve-rules --port 8399 --fault error-once:0.05 --fault bad-request:0.01 --latency-ms 50
  medreason serve-rules --port 8399 --requests-per-second 200

Point a configuration at it with
  engine: {kind: openai, base_urls: ["http://127.0.0.1:8399/v1"], model: rule, revision: rehearsal}
and look at what it saw with
  curl http://127.0.0.1:8399/rehearsal

faults: what becomes of each stands in docs/rehearsal.md
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "serve-rules",
        help="rehearse a language model: an OpenAI-compatible server over the rule engine, with faults on demand",
        epilog=EXAMPLES + textwrap.fill(", ".join(FAULTS), 100, initial_indent="  ", subsequent_indent="  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8399, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[:SHARE]", help="may be repeated")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="median time to an answer")
    parser.add_argument("--latency-sigma", type=float, default=0.0, help="spread of its logarithm; 0 is fixed")
    parser.add_argument("--requests-per-second", type=int, default=0, help="429 above this; 0 is no limit")
    parser.add_argument("--model", default="rule", help="name that it reports (default: %(default)s)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from medreason.chains.engines.rehearsal import parse_fault
    from medreason.chains.engines.rule_server import RuleServer, ServerSettings, serve

    settings = ServerSettings(
        faults=tuple(parse_fault(text) for text in arguments.fault),
        latency_ms=arguments.latency_ms,
        latency_sigma=arguments.latency_sigma,
        requests_per_second=arguments.requests_per_second,
        model=arguments.model,
    )
    asyncio.run(serve(RuleServer(settings), arguments.host, arguments.port, _announce))
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(f"serving rules at {url}\n")
    sys.stdout.flush()
