"""`medreason audit`: questions to a release.

Belongs: arguments, answers as trees, tables or JSON.
Does not belong: how an answer is found (medreason/releases/lineage.py).
Rule: text of a release is printed as text; nothing in it can style, link or hide anything.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medreason.base.reasons import Reason, Stage
from medreason.cli.roots import add_root, root_of

if TYPE_CHECKING:
    from rich.console import JustifyMethod
    from rich.tree import Tree

    from medreason.releases.lineage import Audit

EXAMPLES = """examples:
  medreason audit row medqa:0123456789abcdef           everything that a row came from
  medreason audit why-not medqa:0123456789abcdef       where a record ended, and what it had reached
  medreason audit quarantine --reason no_path --n 20
  medreason audit edge 0123456789abcdef                rows that rest on an edge
  medreason audit path 0123456789abcdef                a path in words, what it may support, and why
  medreason audit coverage                             what the questions reach of the graph, and what never
  medreason audit conservation --json
"""
_Row = Mapping[str, Any]
_MAX_CELL_CHARACTERS = 60
_PIPED_WIDTH = 250
"""Characters in a line where the output is no terminal: a file is read with search, not with the eye."""
_GAP = 2


def register(commands: Any) -> None:
    """Add the command and its questions."""
    parser = commands.add_parser(
        "audit",
        help="ask where a row came from, why a record was left out, what rests on an edge",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    questions = parser.add_subparsers(required=True, metavar="QUESTION")
    for name, (about, argument, answer) in _QUESTIONS.items():
        question = questions.add_parser(name, help=about)
        if argument:
            question.add_argument("id", metavar=argument)
        if name == "quarantine":
            _add_filters(question)
        if name == "coverage":
            _add_entities(question)
        question.add_argument(
            "--release", default="", help="folder, s3:// URL, or DATASET[/VERSION] (default: the newest under the root)"
        )
        add_root(question)
        question.add_argument("--json", action="store_true", help="print the answer as one JSON object")
        question.set_defaults(run=run, answer=answer, question=name)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", type=_one_of(Stage), default=None, help="only this stage")
    parser.add_argument("--reason", type=_one_of(Reason), default=None, help="only this reason")
    parser.add_argument("--dataset-name", default=None, help="only this set")
    parser.add_argument("--n", type=_count, default=50, help="at most so many records (default: 50)")


def _add_entities(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--entities", action="store_true", help="entities instead of types and relations")
    parser.add_argument("--n", type=_count, default=20, help="at most so many entities of each kind (default: 20)")


def _one_of(names: type[Stage] | type[Reason]) -> Callable[[str], str]:
    """A reader of one of these names; of another it says which is the nearest."""

    def read(text: str) -> str:
        known = [str(name.value) for name in names]
        if text in known:
            return text
        near = difflib.get_close_matches(text, known, n=1)
        raise argparse.ArgumentTypeError(
            f"{text!r} is none; did you mean {near[0]}?" if near else f"{text!r} is none of {', '.join(known)}"
        )

    return read


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no count")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Answer one question; orphans or missing records end with exit code 10."""
    from medreason.releases.folder import find_release
    from medreason.releases.lineage import open_audit

    answer: Callable[[Audit, argparse.Namespace], Any] = arguments.answer
    with open_audit(find_release(arguments.release, root=root_of(arguments))) as audit:
        found = answer(audit, arguments)
        release_id = audit.manifest.release_id
    if arguments.json:
        body = found if isinstance(found, dict) else {"rows": found}
        sys.stdout.write(json.dumps({"release_id": release_id, **body}, ensure_ascii=False) + "\n")
    else:
        _print(arguments.question, found)
    return _exit_code(arguments.question, found)


def _exit_code(question: str, found: Any) -> int:
    from medreason.base.errors import CorruptRelease

    broken = {"orphans": lambda: bool(found), "conservation": lambda: any(row["n_missing"] for row in found)}
    return CorruptRelease.exit_code if broken.get(question, lambda: False)() else 0


# ---------------------------------------------------------------- questions


def _ask(name: str, *, by_id: bool = False) -> Callable[[Audit, argparse.Namespace], Any]:
    def answer(audit: Audit, arguments: argparse.Namespace) -> Any:
        from medreason.releases import lineage

        question: Callable[..., Any] = getattr(lineage, name)
        return question(audit, arguments.id) if by_id else question(audit)

    return answer


def _quarantine(audit: Audit, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from medreason.releases import lineage

    return lineage.quarantine(
        audit, stage=arguments.stage, reason=arguments.reason, dataset_name=arguments.dataset_name, n=arguments.n
    )


def _coverage(audit: Audit, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from medreason.releases import lineage

    return lineage.entities(audit, n=arguments.n) if arguments.entities else lineage.coverage(audit)


_QUESTIONS: dict[str, tuple[str, str, Callable[[Audit, argparse.Namespace], Any]]] = {
    "row": ("everything that a released row came from", "ITEM_ID", _ask("audit_row", by_id=True)),
    "why-not": ("where a record ended, and what it had reached", "ITEM_ID", _ask("why_not", by_id=True)),
    "quarantine": ("records that were left out, with stage and reason", "", _quarantine),
    "reasons": ("how many records were left out, by set, stage and reason", "", _ask("reasons")),
    "conservation": ("raw = released + quarantined, for each set", "", _ask("conservation")),
    "orphans": ("rows, lineage, paths and edges that lead nowhere", "", _ask("orphans")),
    "edge": ("rows that an edge was shown for", "EDGE_ID", _ask("of_edge", by_id=True)),
    "path": ("a path in words, its clinical verdict and why, and its rows", "PATH_ID", _ask("of_path", by_id=True)),
    "coverage": ("types, relations or entities of the graph that questions reach, and never", "", _coverage),
    "source": ("raw files by hash, name, set or adapter", "SOURCE", _ask("of_source", by_id=True)),
    "model": ("rows by who wrote them", "", _ask("models")),
    "prompt": ("rows by the template of their request", "", _ask("prompts")),
    "licence": ("rows by the licence of their raw file", "", _ask("licences")),
}
"""Each question: what it is about, the name of its argument, what answers it."""


# ---------------------------------------------------------------- printing


def _print(question: str, found: Any) -> None:
    from rich.console import Console

    trees = {"row": _row_tree, "why-not": _why_not_tree, "path": _path_tree}
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    # Without soft_wrap, which cuts the lines of a tree: of a hash or a sentence nothing may be missing.
    if question in trees:
        console.print(trees[question](found))
    elif found:
        console.print(_table(found) if _table_width(found) <= console.width else _list(found))
    else:
        console.print("nothing found")


def _table_width(rows: Sequence[_Row]) -> int:
    """Characters of the widest line that a table of these rows would have."""
    return sum(max(len(name), *(len(_cell(row[name])) for row in rows)) + _GAP for name in rows[0])


def _table(rows: Sequence[_Row]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0), width=_table_width(rows))
    for name, value in rows[0].items():
        justify: JustifyMethod = "right" if isinstance(value, int) else "left"
        table.add_column(Text(name), justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _list(rows: Sequence[_Row]) -> Tree:
    tree = _root(f"found: {len(rows)}")
    for row in rows:
        first, *others = row.items()
        _branch(tree, f"{first[0]}: {_plain(first[1])}", [f"{name}: {_plain(value)}" for name, value in others])
    return tree


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _plain(value)
    return text if len(text) <= _MAX_CELL_CHARACTERS else text[: _MAX_CELL_CHARACTERS - 1] + "…"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(inner) for inner in value)
    return str(value)


def _branch(tree: Tree, label: str, lines: Sequence[str] = ()) -> Tree:
    from rich.text import Text

    branch = tree.add(Text(label, style="bold" if lines else ""))
    for line in lines:
        branch.add(Text(line))
    return branch


def _root(label: str) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    return Tree(Text(label, style="bold"))


def _row_tree(found: _Row) -> Tree:
    raw, row = found["raw"], found["row"]
    tree = _root(f"{found['item_id']}  in release {found['release_id'][:12]}")
    _branch(
        tree,
        f"raw record {raw['raw_record_id']} of {raw.get('dataset_name', '')}",
        [
            f"{raw.get('file_name', '')} {raw['raw_locator']}",
            f"file {raw['raw_file_sha256']}",
            f"record {raw['record_sha256']}",
        ],
    )
    _branch(tree, "question", [*row["question"].splitlines(), *row["options"].splitlines(), f"answer: {row['answer']}"])
    _branch(tree, f"links: {len(found['links'])}", [_link_line(link) for link in found["links"]])
    paths = _branch(tree, f"paths: {len(found['paths'])}")
    for path in found["paths"]:
        _branch(
            paths, f"{path['path_id']} to {path['target']}, {path['verdict']}", [e for hop in path["hops"] for e in hop]
        )
    steps = _branch(tree, f"steps: {len(found['steps'])} ({row['label']}, kept by {row['keep_rule']})")
    for step in found["steps"]:
        _branch(steps, f"{step['step_no']}. {step['text']}", step["edges"])
    _branch(tree, "conclusion", [row["conclusion"]])
    _branch(tree, "verdicts", [_verdict_line(verdict) for verdict in found["verdicts"]])
    _branch(tree, "written by", [f"{name}: {value}" for name, value in found["writing"].items()])
    return tree


def _path_tree(found: _Row) -> Tree:
    if not found["rows"]:
        return _root("nothing found")
    tree = _root(f"path {found['path_id']}")
    _branch(tree, "nodes", found["nodes"])
    _branch(tree, "says", [edge for hop in found["hops"] for edge in hop])
    rows = _branch(tree, f"rows: {len(found['rows'])}")
    for row in found["rows"]:
        why = [f"{row['rule']}: {row['reason']}"] if row["rule"] else ["no rule speaks against it"]
        _branch(rows, f"{row['item_id']} to {row['target']}, {row['verdict']} (view {row['view']})", why)
    return tree


def _link_line(link: _Row) -> str:
    node = f"{link['node_type']} {link['node_id']} {link['node_name']!r}"
    return f"{link['side']}: {link['text']!r} in {link['field']} -> {node} ({link['stage']}, {link['score']})"


def _verdict_line(verdict: _Row) -> str:
    kind = (
        f"{verdict['check']}, control with {verdict['control_item_id']}" if verdict["is_control"] else verdict["check"]
    )
    return f"{kind}: {verdict['outcome']} ({verdict['score']} of 1000)"


_GROUNDING = {
    "n_question_nodes": "nodes on the question's side",
    "n_answer_nodes": "nodes on the answer's side",
    "n_paths": "paths between them",
}


def _why_not_tree(found: _Row) -> Tree:
    tree = _root(found["item_id"])
    for record in found["records"]:
        state = "released" if record["state"] == "released" else f"{record['stage']}: {record['reason']}"
        detail = [f"detail: {record['detail']}"] if record.get("detail") else []
        reached = ", ".join(record["reached"]) or "nothing"
        place = f"{record['dataset_name']} {record['raw_locator']} of file {record['raw_file_sha256'][:12]}"
        _branch(tree, state, [place, *detail, f"came through: {reached}"])
    for outcome in found["grounding"]:
        told = [f"{words}: {outcome[name]}" for name, words in _GROUNDING.items()]
        _branch(tree, f"grounding: {outcome['outcome']}", told)
    for chain in found["chains"]:
        why = [f"{chain['reason']} {chain['detail']}".strip()] if chain["reason"] else []
        _branch(tree, f"chain {chain['sample_no']}: {chain['outcome']}", [*why, *chain["verdicts"]])
    return tree
