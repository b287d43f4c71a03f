"""A Ray cluster of this machine to which jobs can be submitted.

Belongs: starting and ending it, the environment that lets a program in.
Does not belong: what runs on it.
Rules: it listens on loopback alone and wants a token that only the tests have; it has ended when its block has.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.world import started, wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running Ray cluster."""

    address: str
    """Of its head, as `compute.address` takes it."""
    environment: dict[str, str]
    """What a program needs to be let in."""
    process: subprocess.Popen[str]
    """All of its processes are in this one's session."""
    folder: Path
    """Where it writes its logs."""


@contextlib.contextmanager
def ray_cluster(folder: Path, *, n_cpus: int = 4) -> Iterator[Cluster]:
    """One node on this machine; it ends with the block."""
    port, dashboard, agent, client = _free_ports(4)
    environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_DEDUP_LOGS": "0"}
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", f"--port={port}"]
    command += ["--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"]
    command += [f"--dashboard-agent-listen-port={agent}", f"--ray-client-server-port={client}"]
    command += [f"--num-cpus={n_cpus}", "--disable-usage-stats"]
    command += [f"--object-store-memory={200 << 20}", "--node-ip-address=127.0.0.1"]
    output = folder / "ray"
    # Of its own, so that no other cluster of this machine is mistaken for it; short, since it holds socket names.
    with (
        tempfile.TemporaryDirectory(prefix="mr-", ignore_cleanup_errors=True) as state,
        started([*command, f"--temp-dir={state}"], env={**os.environ, **environment}, output=output) as process,
    ):
        wait_for(lambda: "Ray runtime started" in output.read_text(), process, what="the cluster")
        yield Cluster(address=f"127.0.0.1:{port}", environment=environment, process=process, folder=Path(state))


def _free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as probes:
        found = [probes.enter_context(socket.socket()) for _ in range(n)]
        for probe in found:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in found]
