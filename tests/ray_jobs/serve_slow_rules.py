"""`ray_jobs.serve_model` with a rule server in vLLM's place, as a module that a job can name.

Belongs: that choice.
Does not belong: the server (slow_rules.py).
"""

import sys

from ray_jobs.serve_model import main

if __name__ == "__main__":
    sys.argv += ["--module", "tests.ray_jobs.slow_rules"]
    raise SystemExit(main())
