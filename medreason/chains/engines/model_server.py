"""The process that serves a model for one run: started when first needed, ended with the run.

Belongs: starting the serving program, waiting until it is ready, ending it.
Does not belong: the program (ray_jobs/serve_model.py, named by its command), asking the model (vllm.py).
Rule: at most one start per run; ended on success, failure and cancel; where this process is killed, it ends itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from medreason.base.errors import MedReasonError
from medreason.chains.generation.settings import EngineSettings

ENGINE = "engine.json"
"""What a serving program finds in its folder: the settings."""
READY = "ready.json"
"""What it writes there: {"base_urls": [...]}."""
_STDERR = 2
_POLL_S = 0.2
_END_S = 60.0


class ModelServerFailed(MedReasonError):
    """The server of kind `vllm` could not be started."""

    code = "model-server-failed"
    exit_code = 1
    remedy = "Its output stands above; check engine.model, engine.vllm and that vLLM is installed (`make models`)."


class ModelServer:
    """A context manager; `bring_up` is what `open_generator` wants."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Args: command starts the serving program; it is given --folder and --parent.

        `environment` stands in the place of ours.
        """
        self._command, self._environment = tuple(command), environment
        self._process: subprocess.Popen[bytes] | None = None
        self._urls: tuple[str, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """Base URLs of the replicas; empty where nothing was started."""
        return self._urls

    def bring_up(self, settings: EngineSettings) -> tuple[str, ...]:
        """Base URLs of the replicas; starts them at the first call.

        Raises: ModelServerFailed where the program ends, or is not ready in time; at every further call as well.
        """
        if self._process is None:
            with tempfile.TemporaryDirectory(prefix="medreason-model-") as folder:
                self._urls = self._start(settings, Path(folder))
        if not self._urls:
            raise ModelServerFailed("it could not be started before", where="engine.vllm")
        return self._urls

    def _start(self, settings: EngineSettings, folder: Path) -> tuple[str, ...]:
        ready = folder / READY
        (folder / ENGINE).write_text(settings.model_dump_json(), encoding="utf-8")
        arguments = ["--folder", str(folder), "--parent", str(os.getpid())]
        # What it says goes to standard error: standard output belongs to the command that a person called.
        self._process = subprocess.Popen([*self._command, *arguments], env=self._environment, stdout=_STDERR)
        deadline_s = time.monotonic() + settings.vllm.start_timeout_s
        while not ready.exists():
            if self._process.poll() is not None:
                raise ModelServerFailed(f"it ended with status {self._process.returncode}", where="engine.vllm")
            if time.monotonic() > deadline_s:
                self.end()
                raise ModelServerFailed("it was not ready in time", where="engine.vllm.start_timeout_s")
            time.sleep(_POLL_S)
        return tuple(json.loads(ready.read_text(encoding="utf-8"))["base_urls"])

    def end(self) -> None:
        """End the server, if it was started."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def __enter__(self) -> ModelServer:
        """Nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.end()
