"""Ends a group of processes when the process that started this one is gone: `python -m ray_jobs.end_group --group ID`.

Belongs: waiting for that end, ending what is left of the group.
Does not belong: who is in the group (serve_model.py).
Rules: it hears of the end through its standard input, which the starting process alone holds open, so that no kill goes
unnoticed; it has left that process's family by then, since Ray kills the children of its workers.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import suppress

_END_S = 15.0
_POLL_S = 0.1


def main() -> int:
    """Go into the background, wait, end the group."""
    parser = argparse.ArgumentParser(prog="python -m ray_jobs.end_group")
    parser.add_argument("--group", type=int, required=True, help="process group to end")
    arguments = parser.parse_args()
    if os.fork():
        return 0
    os.setsid()
    while sys.stdin.buffer.read(1):
        pass
    end_group(arguments.group)
    return 0


def end_group(group: int, *, patience_s: float = _END_S) -> None:
    """Ask every process of a group to end, then make it; nothing where there is none."""
    deadline_s = time.monotonic() + patience_s
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        while time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main())
