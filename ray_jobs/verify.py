"""Verification on a Ray cluster: `python -m ray_jobs.verify --folder URL`.

Belongs: the entry point.
Does not belong: spreading shards (spread.py), the work (medreason/chains/jobs.py).
"""

from ray_jobs.spread import main

if __name__ == "__main__":
    raise SystemExit(main("verify"))
