"""Configuration mechanics: one strict YAML file.

Belongs: reading YAML safely, strict models, errors that name the nearest right key, URLs relative to the file.
Does not belong: what the keys are (each room has its own model; `medreason/configuration.py` puts them together).
Rule: an unknown key is an error; secrets stand in the environment, the file names the variable.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from yaml.nodes import MappingNode, Node

from medreason.base.errors import BadConfiguration

Model = TypeVar("Model", bound="StrictModel")
_KEY_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}


class StrictModel(BaseModel):
    """A part of the configuration: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class _StrictLoader(yaml.SafeLoader):
    """Safe tags only; keys are texts, each there once."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse what YAML would let pass: of two equal keys it keeps the last without a word."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag not in _KEY_TAGS:
                raise _fault_at(key, "a key has to be a text")
            if key.value in seen:
                raise _fault_at(key, f"the key {key.value!r} is there twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _fault_at(place: Node, what: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=place.start_mark)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file (safe tags, each key once).

    Raises: BadConfiguration where the file cannot be read, is broken or no mapping.
    """
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
        json.dumps(value, default=str)  # a value inside itself has no JSON
    except FileNotFoundError as error:
        raise BadConfiguration("there is no such file", where=str(path)) from error
    except OSError as error:
        raise BadConfiguration(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: of json.dumps, or no UTF-8
        raise BadConfiguration(f"not readable as YAML: {_one_line(error)}", where=str(path)) from error
    if not isinstance(value, dict):
        raise BadConfiguration("a configuration is a mapping of keys", where=str(path))
    return value


def _one_line(error: Exception) -> str:
    """What is wrong and at which line, without the picture of the place that YAML draws over several lines."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    return f"{getattr(error, 'problem', None)}, line {mark.line + 1}, column {mark.column + 1}"


def validate(model: type[Model], value: dict[str, Any], *, where: str) -> Model:
    """The model, or all faults at once.

    Raises: BadConfiguration that lists every fault with its place, unknown keys with the nearest right one.
    """
    try:
        # Through JSON mode, so that lists become tuples and strings become enums while types stay strict.
        return model.model_validate_json(_as_json(value))
    except ValidationError as error:
        faults = "; ".join(_fault(model, fault) for fault in error.errors())
        raise BadConfiguration(faults, where=where) from error


def _as_json(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str)


def _fault(model: type[StrictModel], fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_nearest(model, fault['loc'])}"
    return f"{place or 'top level'}: {fault['msg']}"


def _nearest(model: type[StrictModel], place: tuple[str | int, ...]) -> str:
    known = _keys_at(model, place[:-1])
    near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else f", known keys: {', '.join(sorted(known))}"


def _keys_at(model: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    schema: dict[str, Any] = model.model_json_schema()
    current: Any = schema
    for part in place:
        current = _resolve(schema, current)
        current = current.get("items", {}) if isinstance(part, int) else current.get("properties", {}).get(part, {})
    return list(_resolve(schema, current).get("properties", {}))


def _resolve(schema: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    for choice in current.get("anyOf", []):
        if "$ref" in choice or "properties" in choice or "items" in choice:
            current = choice
    if "$ref" in current:
        return dict(schema["$defs"][current["$ref"].split("/")[-1]])
    return current


def absolute_url(url: str, *, folder: Path) -> str:
    """A URL or path as written in a file of `folder`: schemes stay, relative paths become absolute.

    Of a member of an archive, `zip://MEMBER::ARCHIVE`, it is the archive's place that may be relative.
    """
    member, chained, archive = url.rpartition("::")
    if chained:
        return f"{member}::{absolute_url(archive, folder=folder)}"
    if "://" in url or Path(url).is_absolute():
        return url
    return str((folder / url).resolve())
