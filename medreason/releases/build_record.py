"""The build record: what is true of one run that made a release, signed, and kept beside it.

Belongs: the statement (in-toto Statement v1 with SLSA provenance v1), its place, checking it.
Does not belong: anything that a release holds (layout.py).
Rule: times, versions and costs stand here and nowhere in a release.

Reference: https://in-toto.io/Statement/v1 and https://slsa.dev/provenance/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medreason.base.canonical import canonical_json, sha256_bytes
from medreason.base.errors import BadSignature
from medreason.base.store import Store
from medreason.releases.manifest import MANIFEST, Manifest
from medreason.releases.signing import open_envelope, public_pem, sign
from medreason.releases.values import Build

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

STATEMENT, ENVELOPE, PUBLIC_KEY = "build.json", "build.dsse.json", "signer.pub.pem"


def build_key(dataset: str, release_id: str, build_id: str = "") -> str:
    """Place of one build, or of all builds of a release, under a root."""
    return f"builds/{dataset}/{release_id}/{build_id}".rstrip("/")


def statement(manifest: Manifest, build: Build) -> dict[str, Any]:
    """What is signed: this manifest came from these inputs in this run."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": MANIFEST, "digest": {"sha256": manifest.sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "medreason/release/v1",
                "externalParameters": {
                    "dataset": manifest.dataset,
                    "release_id": manifest.release_id,
                    "configuration_sha256": manifest.value["configuration_sha256"],
                },
                "internalParameters": {"code": dict(build.code)},
                "resolvedDependencies": _materials(manifest.value),
            },
            "runDetails": {
                "builder": {"id": "medreason build"},
                "metadata": {
                    "invocationId": build.run_id,
                    "startedOn": build.started_at,
                    "finishedOn": build.finished_at,
                },
                "byproducts": [{"name": "facts", "content": dict(build.facts)}, *_files(build)],
            },
        },
    }


def _files(build: Build) -> list[dict[str, Any]]:
    return [{"name": name, "digest": {"sha256": sha256_bytes(data)}} for name, data in sorted(build.files.items())]


def _materials(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    files = [(source["file_name"], source["file_sha256"]) for source in manifest["sources"]]
    files.append((manifest["graph"]["file_name"], manifest["graph"]["file_sha256"]))
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(set(files))]


def write_build(store: Store, manifest: Manifest, build: Build, key: Ed25519PrivateKey) -> str:
    """Write the record of a run and the files that go with it; gives its build id, 16 hex over the statement."""
    payload = canonical_json(statement(manifest, build))
    build_id = sha256_bytes(payload)[:16]
    folder = build_key(manifest.dataset, manifest.release_id, build_id)
    for name, data in build.files.items():
        store.create(f"{folder}/{name}", data)
    store.create(f"{folder}/{PUBLIC_KEY}", public_pem(key.public_key()))
    store.create(f"{folder}/{STATEMENT}", payload)
    store.create(f"{folder}/{ENVELOPE}", sign(payload, key))
    return build_id


def require_signature(store: Store, manifest: Manifest, key: Ed25519PublicKey) -> str:
    """The build id of a record of this manifest, signed with this key.

    Raises: BadSignature where there is none.
    """
    folder = build_key(manifest.dataset, manifest.release_id)
    envelopes = [name for name in store.keys(folder) if name.endswith(f"/{ENVELOPE}")]
    for name in envelopes:
        try:
            signed = open_envelope(store.read(name), key, where=name)
        except BadSignature:
            continue
        if signed["subject"] == [{"name": MANIFEST, "digest": {"sha256": manifest.sha256}}]:
            return name.split("/")[-2]
    raise BadSignature(
        f"none of {len(envelopes)} build records is signed with this key for this manifest", where=folder
    )
