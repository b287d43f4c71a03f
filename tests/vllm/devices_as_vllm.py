"""A server with vLLM's arguments that answers by rule and notes on which devices it was put.

Belongs: what a replica is told, written to the folder that is given as its weights; a child as vLLM's engine is one,
which does not notice when the server is killed.
Does not belong: tests (test_placement.py).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from medreason.chains.engines.rule_server import RuleServer, ServerSettings, serve


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--served-model-name", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments, _ = parser.parse_known_args()
    engine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note = {"engine": engine.pid, "devices": os.environ.get("CUDA_VISIBLE_DEVICES"), "arguments": sys.argv[1:]}
    (arguments.model / f"{arguments.port}.json").write_text(json.dumps(note), encoding="utf-8")
    server = RuleServer(ServerSettings(model=arguments.served_model_name))
    asyncio.run(serve(server, arguments.host, arguments.port, lambda url: None))


if __name__ == "__main__":
    main()
