"""A code version covers all that an asset's outcome rests on, or a changed rule would be met by an old memo.

Belongs: the modules that each module of assets imports, wherever in the code, against the rooms of its version.
Does not belong: how versions are computed (test_base.py).
"""

from __future__ import annotations

import grimp
import pytest

from assets.base import versions

ROOMS = {
    "assets.raw": (*versions.SOURCES, *versions.GRAPH_FILES),
    "assets.normalisation": versions.NORMALISATION,
    "assets.curation": versions.CURATION,
    "assets.graph": versions.GRAPH_FILES,
    "assets.grounding": versions.GROUNDING,
    "assets.chains": versions.CHAINS,
    "assets.verification": versions.CHAINS,
    "assets.release": versions.RELEASE,
}
DECIDES_NOTHING = ("medreason", "medreason.pages")
"""The version's number, and drawings: a preview is as old as what it shows."""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("assets", "medreason", cache_dir=None)


def _is_within(module: str, rooms: tuple[str, ...]) -> bool:
    place = module.replace(".", "/")
    return any(f"{place}/".startswith(f"{room.removesuffix('.py')}/") for room in rooms)


@pytest.mark.parametrize("asset", ROOMS)
def test_a_version_covers_what_its_assets_import(asset: str, imports: grimp.ImportGraph) -> None:
    direct = {name for name in imports.find_modules_directly_imported_by(asset) if name.startswith("medreason")}
    pages = {name for name in direct if _is_within(name, ("medreason/pages",))}
    needed = (direct - pages).union(*(imports.find_upstream_modules(name) for name in direct - pages))

    left_out = {name for name in needed if not _is_within(name, ROOMS[asset])} - set(DECIDES_NOTHING)

    assert not left_out, f"add the rooms of these to the version in assets/base/versions.py: {sorted(left_out)}"
