"""What is handed to a cluster: nothing that is secret.

Belongs: the environment of submitted jobs.
Does not belong: jobs on a real cluster (tests/ray_jobs/test_cluster_jobs.py).
"""

from __future__ import annotations

import pytest

from assets.base.cluster import _handed_on

HANDED_ON = ("MEDREASON_SCRATCH", "AWS_ENDPOINT_URL", "AWS_REGION")
KEPT_BACK = (
    *(
        "MEDREASON_ACCESS_TOKEN",
        "MEDREASON_TEST_KEY",
        "MEDREASON_DB_PASSWORD",
        "medreason_x",
        "MEDREASON_client_secret",
    ),
    *("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "RAY_AUTH_TOKEN", "LLM_KEY"),
)


@pytest.mark.parametrize("name", KEPT_BACK)
def test_a_secret_stays_here(name: str) -> None:
    assert "canary" not in _handed_on({name: "canary"}).values()


@pytest.mark.parametrize("name", HANDED_ON)
def test_what_a_job_needs_goes_along(name: str) -> None:
    assert _handed_on({name: "value"})[name] == "value"
