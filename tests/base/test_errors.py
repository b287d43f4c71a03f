"""Errors on their way from another process: the same code, exit code and words.

Belongs: the JSON form of our errors.
Does not belong: what raises them.
"""

from __future__ import annotations

import json

import pytest

from medreason.base import errors
from medreason.base.errors import MedReasonError, error_as_json, error_from_json

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MedReasonError)]


def _sent(error: MedReasonError) -> MedReasonError:
    return error_from_json(json.loads(json.dumps(error_as_json(error))))


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_same_in_another_process(kind: type[MedReasonError]) -> None:
    for error in (kind("wrong"), kind("wrong", where="here", remedy="Mend it.")):
        came = _sent(error)
        assert type(came) is kind
        assert (str(came), came.code, came.exit_code) == (str(error), error.code, error.exit_code)
        assert (came.what, came.where, came.advice) == (error.what, error.where, error.advice)


def test_a_kind_that_is_not_known_here_keeps_its_codes_and_words() -> None:
    told = {"code": "of-a-plugin", "exit_code": 4, "what": "wrong", "where": "there", "advice": "Mend it."}
    came = error_from_json(told)
    assert isinstance(came, MedReasonError)
    assert (str(came), came.exit_code) == ("of-a-plugin: wrong (there). Mend it.", 4)
    assert error_as_json(came) == told
