"""What a server of vLLM does with single requests of ours: schema, seeds, stop, logprobs, length, adapter.

Belongs: settings that vLLM has to obey, seen in what it answered.
Does not belong: asking it (asking.py), builds (test_build.py), arguments that need a GPU (test_placement.py).
"""

from __future__ import annotations

import pytest

from medreason.base.reasons import Outcome, Reason
from tests.vllm.asking import N_TOP
from tests.vllm.story import Story
from tests.vllm.world import MODEL

pytestmark = [pytest.mark.models, pytest.mark.slow]


def test_the_adapter_is_served_beside_its_base_and_answers_otherwise(story: Story) -> None:
    said = story.directly
    assert said.models == {MODEL, str(story.model)}
    adapted, plain = said.asked["with log probabilities"], said.asked["without the adapter"]
    assert [one["logprobs"] for one in adapted.responses] != [one["logprobs"] for one in plain.responses]


def test_structured_output_keeps_to_the_schema_however_wild_the_model_is(story: Story) -> None:
    bound, free = (story.directly.asked[name].answers for name in ("bound by the schema", "not bound"))
    assert {answer.reason for answer in bound} <= {None, Reason.CUT_SHORT}, "what ended by itself is an answer"
    n_bound, n_free = (sum(answer.outcome is Outcome.OK for answer in some) for some in (bound, free))
    assert n_bound > n_free
    assert {answer.value.verdict for answer in bound if answer.value} <= {"correct", "incorrect", "cannot_judge"}


def test_a_seed_gives_the_same_answer_again_and_each_sample_has_its_own(story: Story) -> None:
    one, other = (story.directly.asked[name].contents() for name in ("samples", "samples again"))
    assert len(one) == 12
    assert one == other
    assert len(set(one)) > 3, "the samples of a question differ"


def test_a_stop_ends_the_answer_before_it(story: Story) -> None:
    said = story.directly
    (stopped,) = said.asked["stopped"].responses
    assert said.stop
    assert stopped["content"] == said.asked["whole"].contents()[0].partition(said.stop)[0]
    assert stopped["finish_reason"] == "stop"


def test_log_probabilities_come_with_each_token_where_they_are_asked_for(story: Story) -> None:
    (plain,) = story.directly.asked["whole"].responses
    told = story.directly.asked["with log probabilities"].responses[0]
    assert "logprobs" not in plain
    tokens = told["logprobs"]["content"]
    assert len(tokens) == told["completion_tokens"]
    assert all(len(token["top_logprobs"]) == N_TOP and token["logprob"] <= 0 for token in tokens)


def test_what_does_not_fit_is_known_to_be_cut_short(story: Story) -> None:
    short = story.directly.asked["too short"]
    assert (short.answers[0].outcome, short.answers[0].reason) == (Outcome.QUARANTINED, Reason.CUT_SHORT)
    assert short.responses[0]["completion_tokens"] == 2
