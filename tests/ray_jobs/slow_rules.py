"""A server with vLLM's arguments that answers by rule and takes its time: `python -m tests.ray_jobs.slow_rules`.

Belongs: the rule server on a node's address, as vLLM is on a cluster, with a latency.
Does not belong: the program that starts it (serve_slow_rules.py), tests (test_cluster_jobs.py).
"""

from __future__ import annotations

import argparse

from aiohttp import web

from medreason.chains.engines.rule_server import RuleServer, ServerSettings

LATENCY_MS = 200.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments, _ = parser.parse_known_args()
    server = RuleServer(ServerSettings(model=arguments.model, latency_ms=LATENCY_MS))
    web.run_app(server.application(), host=arguments.host, port=arguments.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
