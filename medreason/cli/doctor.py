"""`medreason doctor`: can releases be published under this root?

Belongs: arguments, the findings as text or JSON.
Does not belong: the probes (medreason/releases/probe.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from medreason.cli.roots import add_root, root_of

EXAMPLES = """example:
  medreason doctor --root s3://bucket/medreason
"""


def register(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="check that a root keeps the promises that publishing rests on",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_root(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Probe the root; a broken promise ends with the exit code of a wrong configuration."""
    from medreason.base.errors import BadConfiguration
    from medreason.base.store import open_store, require_writable
    from medreason.releases.probe import probe_store

    require_writable(root_of(arguments))
    store = open_store(root_of(arguments))
    findings = probe_store(store)
    for finding in findings:
        if not arguments.json:
            sys.stdout.write(
                f"{'ok    ' if finding.is_kept else 'BROKEN'}  {finding.promise} {finding.detail}".rstrip() + "\n"
            )
    is_sound = all(finding.is_kept for finding in findings)
    if arguments.json:
        body = {"root": store.url, "is_sound": is_sound, "findings": [asdict(finding) for finding in findings]}
        sys.stdout.write(json.dumps(body) + "\n")
    elif not is_sound:
        sys.stdout.write("Do not publish here: another writer's release could be overwritten unseen.\n")
    return 0 if is_sound else BadConfiguration.exit_code
