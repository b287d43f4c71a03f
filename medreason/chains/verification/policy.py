"""What is kept: the policy over verdicts.

Belongs: the settings, the decision for each question, the best of its chains, the label that a kept row may carry.
Does not belong: the checks (support.py, re_answer.py), the release itself.
Rule: a rule engine's chain is at most `graph-consistent`: a path between question and answer is no proof of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from pydantic import Field

from medreason.base.config import StrictModel
from medreason.base.reasons import Outcome, Reason

KeepRule = Literal["step_support", "re_answer", "both"]
Row = Mapping[str, Any]


class VerificationSettings(StrictModel):
    """How chains are checked and which are kept."""

    keep: KeepRule | None = None
    """Checks that a released chain must pass; by default `step_support` for the rule engine, `both` for models."""
    max_findings: int = Field(default=8, ge=1)
    """Concepts of a masked chain that evidence is looked for, in order of the text."""

    def keep_rule(self, engine_kind: str) -> KeepRule:
        """The rule for chains of this engine."""
        return self.keep or ("step_support" if engine_kind == "rule" else "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one question."""

    item_id: str
    sample_no: int
    """The chain that ranks first; it is the released one where the outcome is ok."""
    outcome: Outcome
    reason: str
    detail: str
    keep_rule: KeepRule
    label: str
    """What the released row is called (`label_of`); empty where nothing is released."""


def decide(chains: Iterable[Row], verdicts: Iterable[Row], settings: VerificationSettings) -> list[Decision]:
    """One decision per question, in order of item_id. Args: rows of `chains` and `verdicts`."""
    by_chain: dict[tuple[str, int], dict[str, Row]] = {}
    for row in verdicts:
        if not row["is_control"]:
            by_chain.setdefault((row["item_id"], row["sample_no"]), {})[row["check"]] = row
    ordered = sorted(chains, key=lambda row: (row["item_id"], row["sample_no"]))
    return [_decide_one(list(group), by_chain, settings) for _, group in groupby(ordered, key=lambda r: r["item_id"])]


def _decide_one(
    chains: Sequence[Row], verdicts: Mapping[tuple[str, int], Mapping[str, Row]], settings: VerificationSettings
) -> Decision:
    ranked = sorted(chains, key=lambda chain: _rank(chain, verdicts.get(_key(chain), {}), settings))
    best = ranked[0]
    checks = verdicts.get(_key(best), {})
    rule = settings.keep_rule(best["engine_kind"])
    outcome, reason, detail = _outcome(best, checks, rule)
    is_kept = outcome is Outcome.OK
    return Decision(
        item_id=best["item_id"],
        sample_no=best["sample_no"],
        outcome=outcome,
        reason=reason,
        detail=detail,
        keep_rule=rule,
        label=label_of(best["engine_kind"], rule) if is_kept else "",
    )


_LABELS: dict[str, str] = {"step_support": "step-supported", "re_answer": "re-answered", "both": "verified"}
"""What a model's row may be called, by what it had to pass."""


def label_of(engine_kind: str, rule: KeepRule) -> str:
    """What a kept row may be called.

    >>> label_of("rule", "both"), label_of("openai", "both"), label_of("openai", "step_support")
    ('graph-consistent', 'verified', 'step-supported')
    """
    return "graph-consistent" if engine_kind == "rule" else _LABELS[rule]


def _key(chain: Row) -> tuple[str, int]:
    return (chain["item_id"], chain["sample_no"])


def _rank(chain: Row, checks: Mapping[str, Row], settings: VerificationSettings) -> tuple[int, int, int, int, int]:
    """Kept first, deferred before condemned, then support, then re-answer, then sample number."""
    outcome, _, _ = _outcome(chain, checks, settings.keep_rule(chain["engine_kind"]))
    place = {Outcome.OK: 0, Outcome.DEFERRED: 1, Outcome.QUARANTINED: 2}[outcome]
    support, again = checks.get("step_support"), checks.get("re_answer")
    return (
        place,
        -(support["score"] if support else -1),
        0 if again and again["outcome"] == "passed" else 1,
        -(again["score"] if again else 0),
        chain["sample_no"],
    )


def _outcome(chain: Row, checks: Mapping[str, Row], rule: KeepRule) -> tuple[Outcome, str, str]:
    if chain["outcome"] != Outcome.OK.value:
        return Outcome(chain["outcome"]), chain["reason"], chain["detail"]
    for check in ("step_support", "re_answer") if rule == "both" else (rule,):
        verdict = checks.get(check)
        if verdict is None or verdict["outcome"] == "deferred":
            return Outcome.DEFERRED, "", f"{check} could not be asked"
        if verdict["outcome"] != "passed":
            return Outcome.QUARANTINED, str(_REASONS[check](verdict["outcome"])), verdict["detail"]
    return Outcome.OK, "", ""


def _support_reason(outcome: str) -> Reason:
    del outcome
    return Reason.UNSUPPORTED_STEP


def _re_answer_reason(outcome: str) -> Reason:
    return Reason.RE_ANSWER_WRONG if outcome == "failed" else Reason.RE_ANSWER_ABSTAINED


_REASONS = {"step_support": _support_reason, "re_answer": _re_answer_reason}
