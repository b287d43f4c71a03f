"""The rule engine as writer: a chain from paths alone.

Belongs: which paths become which steps, how options are weighed, the conclusion.
Does not belong: sentences of single edges (phrasing.py), readable names (names.py).
Rule: every medical claim is an edge that the step cites; about options without a path it only says what the search did
not find.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medreason.base.canonical import sha256_bytes
from medreason.base.text import comparison_key
from medreason.chains.tasks.answer import asks_exception
from medreason.chains.tasks.phrasing import (
    Claim,
    claim_of,
    claims_of,
    clause,
    finish,
    listed,
    one_object,
    one_subject,
    path_clauses,
    polarity_of,
)
from medreason.chains.tasks.prune import is_direct_objection
from medreason.chains.tasks.shown import ShownEdge, ShownPath
from medreason.chains.tasks.write import WriteGiven, WriteResponse, WrittenStep, option_label

_OPENERS = (
    "According to the knowledge graph, ",
    "The graph also records that ",
    "Furthermore, ",
    "In addition, ",
    "The graph further records that ",
)
_MAX_STEPS = 14
_CANNOT_WRITE = WriteResponse(cannot_write=True, paths=[], steps=[], conclusion="", answer="")


def verbalise(given: WriteGiven) -> WriteResponse:
    """A chain in plain sentences; `cannot_write` where no supporting path leads to the answer."""
    if asks_exception(given.question) and len(given.answer_letters) == 1 and given.answer_type != "yes_no_maybe":
        return _verbalise_exception(given)
    gold = _answer_targets(given)
    support = [path for path in given.paths if path.target in gold and path.stance == "supports"]
    if not support:
        return _CANNOT_WRITE
    weighed = _weighed_paths(given, gold, n_hops=min(len(path.hops) for path in support))
    steps = [*_support_steps(support), *(_option_step(given, path) for path in weighed)][: _MAX_STEPS - 1]
    steps += _absence_steps(given, [*gold, *given.answer_letters, *(path.target for path in weighed)])
    return WriteResponse(
        cannot_write=False,
        paths=[path.no for path in (*support, *weighed)][:16],
        steps=steps,
        conclusion=_conclusion(given, support, weighed, gold),
        answer=_answer(given, gold),
    )


def _verbalise_exception(given: WriteGiven) -> WriteResponse:
    """The exception stands out because the other options are nearer."""
    gold = given.answer_letters[0]
    told = [path for path in _first_of_each(given) if path.target != gold and path.target not in given.unconnected]
    if not told or gold not in given.unconnected:
        return _CANNOT_WRITE
    near = [path.target for path in told]
    options = f"{'option' if len(near) == 1 else 'options'} {listed(near)}"
    conclusion = (
        f"The question asks for the exception. The graph connects {options} more closely with the question than option "
        f"{_option_label(given, gold)}, the answer given for this question."
    )
    return WriteResponse(
        cannot_write=False,
        paths=[path.no for path in told][:16],
        steps=[*(_option_step(given, path) for path in told[: _MAX_STEPS - 1]), *_absence_steps(given, near)],
        conclusion=conclusion,
        answer=gold,
    )


def _first_of_each(given: WriteGiven) -> list[ShownPath]:
    first: dict[str, ShownPath] = {}
    for path in given.paths:
        if path.stance == "supports":
            first.setdefault(path.target, path)
    return [first[target] for target in sorted(first)]


def _answer_targets(given: WriteGiven) -> tuple[str, ...]:
    """Where the chain has to arrive: the gold letters, or the best supported target where gold is not shown.

    The decision of a yes/no/maybe question is no place in a graph: its paths lead to what the study found.
    """
    if given.answer_type == "yes_no_maybe":
        return ("answer",) if given.answer else ()
    if not given.options or len(given.answer_letters) > 1:
        return ("answer",)
    if given.answer_letters:
        return given.answer_letters
    supported = [path.target for path in given.paths if path.stance == "supports"]
    counts = {target: supported.count(target) for target in supported}
    best = [target for target, count in counts.items() if count == max(counts.values())]
    return tuple(best) if len(best) == 1 else ()


def _weighed_paths(given: WriteGiven, gold: Sequence[str], n_hops: int) -> list[ShownPath]:
    """The first telling path of each other option: one that is as short as the answer's, or a direct objection."""
    first: dict[str, ShownPath] = {}
    for path in given.paths:
        is_rival = path.stance == "supports" and len(path.hops) <= n_hops
        if path.target not in gold and (is_rival or is_direct_objection(path)):
            first.setdefault(path.target, path)
    return [first[target] for target in sorted(first)]


# ---------------------------------------------------------------- steps


def _support_steps(paths: Sequence[ShownPath]) -> list[WrittenStep]:
    steps = []
    for number, group in enumerate(_groups(paths)):
        clauses = _group_clauses(group)
        opener = _OPENERS[min(number, len(_OPENERS) - 1)]
        texts = [f"{opener}{clauses[0]}.", *map(finish, clauses[1:])]
        steps.append(WrittenStep(text=" ".join([*texts, *_contrary(group)]), edges=_cited(group)))
    return steps


def _groups(paths: Sequence[ShownPath]) -> list[list[ShownPath]]:
    """Direct connections that say the same of one node are one step; every longer path is a step of its own."""
    groups: dict[tuple[str, ...], list[ShownPath]] = {}
    for path in paths:
        groups.setdefault(_group_key(path), []).append(path)
    return list(groups.values())


def _group_key(path: ShownPath) -> tuple[str, ...]:
    claims = claims_of(path)
    if len(claims) > 1 or polarity_of(claims[0].phrase) == "negative":
        return (path.no,)
    return ("direct", claims[0].phrase, path.names[-1], str(claims[0].subject == path.names[-1]))


def _group_clauses(group: Sequence[ShownPath]) -> list[str]:
    if len(group) == 1:
        return path_clauses(claims_of(group[0]))
    claims = [claims_of(path)[0] for path in group]
    shares_subject = claims[0].subject == claims[1].subject
    return [one_subject(claims) if shares_subject else one_object(claims)]


def _contrary(group: Sequence[ShownPath]) -> list[str]:
    """What parallel edges of the other polarity say; leaving it out would make the step one-sided."""
    return [
        f"The graph also records that {clause(claim)}."
        for path in group
        for hop, one, other in zip(path.hops, path.types, path.types[1:], strict=False)
        for claim in _contrary_claims(hop, one, other)
    ]


def _contrary_claims(hop: Sequence[ShownEdge], one: str, other: str) -> Iterator[Claim]:
    said = polarity_of(claim_of(hop[0], one, other).phrase)
    for edge in _contrary_edges(hop, said):
        yield claim_of(edge, one, other)


def _contrary_edges(hop: Sequence[ShownEdge], said: str) -> Iterator[ShownEdge]:
    for edge in hop[1:]:
        polarity = polarity_of(edge.edge[1].strip("<->"))
        if "negative" in (polarity, said) and polarity != said:
            yield edge


def _cited(group: Sequence[ShownPath]) -> list[str]:
    """The edges that the sentences rest on: the first of each hop, and those of other polarity that are told too."""
    cited: list[str] = []
    for path in group:
        for hop, one, other in zip(path.hops, path.types, path.types[1:], strict=False):
            said = polarity_of(claim_of(hop[0], one, other).phrase)
            cited += [hop[0].no, *(edge.no for edge in _contrary_edges(hop, said))]
    return cited[:24]


def _option_step(given: WriteGiven, path: ShownPath) -> WrittenStep:
    label = _option_label(given, path.target, path.names[-1])
    clauses = path_clauses(claims_of(path))
    sentences = " ".join([f"{clauses[0]}.", *map(finish, clauses[1:]), *_contrary([path])])
    opening = "Against" if path.stance == "against" else "For"
    return WrittenStep(text=f"{opening} option {label}, the graph records that {sentences}", edges=_cited([path]))


def _option_label(given: WriteGiven, letter: str, node_name: str = "") -> str:
    """`B (heart attack; in the graph: myocardial infarction)`; the second part where the option says it otherwise."""
    text = next((option.text for option in given.options if option.letter == letter), "")
    short = option_label(text)
    is_said = not node_name or comparison_key(node_name).strip(" .;,") == comparison_key(text).strip(" .;,")
    return f"{letter} ({short})" if is_said else f"{letter} ({short}; in the graph: {node_name})"


def _absence_steps(given: WriteGiven, told: Sequence[str]) -> list[WrittenStep]:
    if given.answer_type == "yes_no_maybe":
        return []
    silent = [letter for letter in given.unconnected if letter not in told]
    if not silent:
        return []
    labels = listed([_option_label(given, letter) for letter in silent])
    several = len(silent) > 1
    noun = "options" if several else "option"
    these = "these options" if several else "this option"
    endings = (
        f"a missing connection does not rule out {these}",
        f"silence of the graph is no proof against {these}",
        f"this alone does not exclude {these}",
    )
    text = f"The search found no equally short connection that supports {noun} {labels}; {_pick(given, endings)}."
    return [WrittenStep(text=text[:1600], edges=[])]


# ---------------------------------------------------------------- conclusion


def _answer(given: WriteGiven, gold: Sequence[str]) -> str:
    if given.answer_type == "yes_no_maybe" and given.options:
        return ", ".join(given.answer_letters)
    return ", ".join(given.answer_letters or gold) if given.options else given.answer


def _conclusion(
    given: WriteGiven, support: Sequence[ShownPath], weighed: Sequence[ShownPath], gold: Sequence[str]
) -> str:
    if given.answer_type == "yes_no_maybe":
        return _decision(given, support)
    is_one = len(support) == 1
    if not given.options:
        these = "This connection is" if is_one else "These connections are"
        return f"{these} in line with the answer: {given.answer.strip().rstrip('.')}."
    letters = given.answer_letters or gold
    answer = listed([_option_label(given, letter, _node_of(support, letter)) for letter in letters])
    rivals = [path.target for path in weighed if path.stance == "supports"]
    noun = "options" if len(letters) > 1 else "option"
    if rivals:
        others = f"{'option' if len(rivals) == 1 else 'options'} {listed(rivals)}"
        return (
            f"The graph connects {others} with the question as well and does not decide alone. "
            f"The connections above are in line with {noun} {answer}, the answer given for this question."
        )
    openings = (
        f"{'This connection is' if is_one else 'Taken together, these connections are'} in line with {noun} {answer}.",
        f"The {'connection found in the graph points' if is_one else 'connections found in the graph point'} to {noun} "
        f"{answer}.",
        f"Among what the graph connects, the answer is {noun} {answer}.",
    )
    return _pick(given, openings)


def _decision(given: WriteGiven, support: Sequence[ShownPath]) -> str:
    ends = list(dict.fromkeys((support[0].names[0], support[0].names[-1])))
    texts = {option.letter: option.text for option in given.options}
    decision = " and ".join(texts.get(letter, letter) for letter in given.answer_letters) or given.answer
    are_told, do_not = ("connection shows", "it does") if len(support) == 1 else ("connections show", "they do")
    return (
        f"The {are_told} how {listed(ends)} are related in the graph; {do_not} not prove the decision. "
        f"The answer given for this question is {decision.strip().lower().rstrip('.')}."
    )


def _node_of(paths: Sequence[ShownPath], letter: str) -> str:
    return next((path.names[-1] for path in paths if path.target == letter), "")


def _pick(given: WriteGiven, choices: Sequence[str]) -> str:
    """One of the wordings, by the question's text: the same question always reads the same."""
    return choices[int(sha256_bytes(given.question.encode("utf-8", "surrogatepass"))[:8], 16) % len(choices)]
