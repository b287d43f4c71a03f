"""Every error that our code raises on purpose.

Belongs: the tree below, each class with a stable code, an exit code and a remedy.
Does not belong: wrong calls between our own functions (``ValueError``), row-level faults (reasons.py).
Rule: a message says what is wrong, where, and what to do next; it never holds a row's text or a secret.

MedReasonError
├── BadConfiguration        2   the configuration or the call of a command is wrong
│   └── EgressRefused       2   a source may not be sent to this endpoint
├── BadInput                3   a source or graph file cannot be used
├── GateFailed              4   a gate refused a table
├── Incomplete              5   rows are deferred; run again
├── LostToOtherWriter       6   another writer published something else under this name
├── CorruptRelease         10   a release does not hold what it claims
├── BadSignature           11
├── Withdrawn              12
└── RolledBackOrExpired    13
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar


class MedReasonError(Exception):
    """Bad data, configuration or state outside our code.

    Args: what is wrong (one sentence), and where (a file, key, row id); both end up in the message.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = ""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        """Keep the parts; the message is built from them."""
        self.what, self.where = what, where
        self.advice = remedy or self.remedy
        place = f" ({where})" if where else ""
        advice = f" {self.advice}" if self.advice else ""
        super().__init__(f"{self.code}: {what}{place}.{advice}")


class BadConfiguration(MedReasonError):
    """The configuration file or a command's arguments cannot be used."""

    code = "bad-configuration"
    exit_code = 2
    remedy = "Correct the configuration and run again; `medreason build --config FILE --plan` checks it without work."


class EgressRefused(BadConfiguration):
    """Text of a local-only source would leave this machine or the declared private endpoints."""

    code = "egress-refused"
    remedy = "Use a loopback endpoint, list the endpoint under `engine.private_endpoints`, or leave the source out."


class BadInput(MedReasonError):
    """A source or graph file is missing, unreadable or of another layout."""

    code = "bad-input"
    exit_code = 3
    remedy = "Check the file against docs/sources.md and run again; nothing was written for it."


class GateFailed(MedReasonError):
    """A gate found a critical fault, or there is no proof that it passed."""

    code = "gate-failed"
    exit_code = 4
    remedy = "See the failed expectations in the gate's result, mend the rows or the rule, and run again."


class Incomplete(MedReasonError):
    """Some rows are deferred: their answer could not be had, nothing is wrong with them."""

    code = "incomplete"
    exit_code = 5
    remedy = "Run the same command again when the endpoint is back; finished work is not repeated."


class LostToOtherWriter(MedReasonError):
    """A name that may be written once already holds other bytes."""

    code = "lost-to-other-writer"
    exit_code = 6
    remedy = "Read what is there; publish under another version if yours is to stand beside it."


class CorruptRelease(MedReasonError):
    """A release, table or object does not hash to what names it."""

    code = "corrupt"
    exit_code = 10
    remedy = "Fetch the files again from where they were published; do not use these."


class BadSignature(MedReasonError):
    """A signature is missing or was made with another key."""

    code = "bad-signature"
    exit_code = 11
    remedy = "Ask the publisher for the public key, and check that the build record is the one they signed."


class Withdrawn(MedReasonError):
    """The release was withdrawn by its publisher."""

    code = "withdrawn"
    exit_code = 12
    remedy = "Read the withdrawal record and move to the version it names."


class RolledBackOrExpired(MedReasonError):
    """A channel points to something older than was seen before, or past its date."""

    code = "rolled-back-or-expired"
    exit_code = 13
    remedy = "Ask the publisher; `medreason channel show` prints the record."


def error_as_json(error: MedReasonError) -> dict[str, Any]:
    """An error as another process may read it; see `error_from_json`."""
    return {
        "code": error.code,
        "exit_code": error.exit_code,
        "what": error.what,
        "where": error.where,
        "advice": error.advice,
    }


def error_from_json(value: Mapping[str, Any]) -> MedReasonError:
    """The error that another process met, with its code, exit code and message.

    Its class is ours where this process knows one of that code, else one of that code alone.

    >>> str(error_from_json(error_as_json(BadInput("no such file", where="a.csv", remedy="Look."))))
    'bad-input: no such file (a.csv). Look.'
    """
    codes = {"code": value["code"], "exit_code": value["exit_code"]}
    known = (kind for kind in _kinds(MedReasonError) if kind.code == value["code"])
    kind: type[MedReasonError] = next(known, None) or type("MedReasonErrorElsewhere", (MedReasonError,), codes)
    return kind(value["what"], where=value["where"], remedy=value["advice"])


def _kinds(kind: type[MedReasonError]) -> Iterator[type[MedReasonError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


INTERRUPTED_EXIT_CODE = 130
"""Exit code after Ctrl-C (128 + SIGINT)."""
