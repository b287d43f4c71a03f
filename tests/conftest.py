"""Rules that hold for every test.

Belongs: isolation (environment, state, network), the rule on skips, hypothesis profiles, fixtures that all wings share.
Does not belong: fixtures of one wing (its own conftest.py).
Rules: no test sees the machine's credentials, state or network; with CI=true a skip that is not listed is a failure.
"""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from pathlib import Path

# Set before anything is imported that reads them while it loads.
_QUIET = {
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    # Two threads that spin on a shared machine made ten training steps 25 times slower than one.
    "OMP_NUM_THREADS": "1",
}
_INVENTED_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
os.environ.update(_QUIET | _INVENTED_ACCOUNT)
for _name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "MEDREASON_CONFIG"):
    os.environ.pop(_name, None)

# A shell ignores SIGINT for what it runs in the background, programs that tests start would inherit that, and Dagster
# treats SIGTERM like SIGINT: then nothing that a test ends would end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from tests.allowed_skips import is_allowed  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[1]
_BUCKET = "medreason-tests"

# Examples are drawn from a fixed seed, so that a red run is red again; `make soak` draws new ones, and many more.
settings.register_profile(
    "default", max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "soak", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("soak" if os.environ.get("MEDREASON_SOAK") == "1" else "default")


# --- skips -----------------------------------------------------------------------------------------------------------


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not is_allowed(report.nodeid, reason):
        report.outcome = "failed"
        report.longrepr = f"{reason}\nWith CI=true a skip is a failure. Mend its cause, or list it in allowed_skips.py."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report


# --- isolation -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a store and a Dagster instance of its own, empty at first."""
    dagster_home = tmp_path / "dagster_home"
    dagster_home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home))
    monkeypatch.setenv("MEDREASON_ROOT", str(tmp_path / "store"))


def _is_inside(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuses connections that leave the machine, and fails the test even where its code hides the refusal."""
    refused: list[object] = []

    def guarded(name: str) -> object:
        original = getattr(socket.socket, name)

        def connect(sock: socket.socket, address: object) -> object:
            # A datagram socket sends nothing when it connects: Ray asks so for the machine's own address.
            if sock.type == socket.SOCK_STREAM and not _is_inside(address):
                refused.append(address)
                raise ConnectionRefusedError(f"tests do not connect to {address}")
            return original(sock, address)

        return connect

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(name))
    yield
    assert not refused, f"the test tried to connect to {refused}"


# --- shared things ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real question and graph files beside the checkout."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data beside this checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of an S3 server: moto in a process of its own, as real as a connection makes it. It dies with the session."""
    command = [sys.executable, "-u", "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield _announced_url(server)
        finally:
            server.kill()


def _announced_url(server: subprocess.Popen[str]) -> str:
    assert server.stderr is not None
    for line in server.stderr:
        found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", line)
        if found:
            # It logs every request: unread, the pipe would fill and stop it.
            threading.Thread(target=deque, args=(server.stderr, 0), daemon=True).start()
            return found.group(1)
    raise RuntimeError(f"the S3 server ended with status {server.wait()} before it announced its address")


@pytest.fixture(scope="session")
def s3_bucket(s3_endpoint: str) -> str:
    """Name of a bucket on the S3 server."""
    import boto3

    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket=_BUCKET)
    return _BUCKET


@pytest.fixture
def s3_root(s3_endpoint: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty s3:// folder of this test alone, reached through the standard AWS_* variables."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    return f"s3://{s3_bucket}/{uuid.uuid4().hex}"
