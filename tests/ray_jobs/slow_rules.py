"""A server with vLLM's arguments that answers by rule and takes its time: `python -m tests.ray_jobs.slow_rules`.

Belongs: a latency on top of tests/chains/rules_as_vllm.py, the serving program that starts it in vLLM's place.
Does not belong: tests (test_cluster_jobs.py).
"""

from __future__ import annotations

import argparse
import asyncio

from medreason.chains.engines.rule_server import RuleServer, ServerSettings, serve

LATENCY_MS = 150.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments, _ = parser.parse_known_args()
    server = RuleServer(ServerSettings(model=arguments.model, latency_ms=LATENCY_MS))
    asyncio.run(serve(server, arguments.host, arguments.port, lambda url: None))


if __name__ == "__main__":
    main()
