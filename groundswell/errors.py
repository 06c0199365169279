"""Every error a user can meet, in one shape: what, where, how to mend it.

A `Problem` is one mistake; a `GroundswellError` carries one or many, so that all the mistakes
of a file are told at once. The CLI, the API and the pages render the same four fields.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a problem stands: a file position, or a message id.

    Lines and columns count from 1. `file` may also name a table or a source.
    """

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, told so that a reader can mend it.

    Attributes:
        code: Stable name of the kind of mistake, such as `config-unknown-key`.
        what: What is wrong, in one sentence that ends with a full stop.
        fix: How to mend it, in one or two sentences.
        where: The place, when there is one.
        path: The key inside the file, such as `motions[0].when`.
    """

    code: str
    what: str
    fix: str
    where: Place | None = None
    path: str = ""

    def __str__(self) -> str:
        place = str(self.where) if self.where else ""
        head = "  ".join(part for part in (place, self.path, f"[{self.code}]") if part)
        return f"{head}\n  what  {self.what}\n  fix   {self.fix}"

    def as_dict(self) -> dict[str, object]:
        """Return the four fields (code, what, where, fix) and the path, ready for JSON."""
        return {
            "code": self.code,
            "what": self.what,
            "where": str(self.where) if self.where else None,
            "path": self.path or None,
            "fix": self.fix,
        }


class GroundswellError(Exception):
    """Root of every error a user can meet; carries at least one `Problem`."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *problems: Problem) -> None:
        assert problems, "an error says at least one thing"
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems: tuple[Problem, ...] = problems


class ConfigError(GroundswellError):
    """The configuration cannot be used as it stands."""

    exit_code = 2


class UsageError(GroundswellError):
    """A command or a call was given something it cannot take."""

    exit_code = 2


class LoadError(GroundswellError):
    """A file or a table could not be read at all."""


class StoreError(GroundswellError):
    """A warehouse or a ledger refused, or does not offer, an operation."""


class MissingExtraError(GroundswellError):
    """A part of Groundswell needs a package that is not installed."""

    exit_code = 2

    def __init__(self, extra: str, *, needed_for: str) -> None:
        super().__init__(
            Problem(
                code="missing-extra",
                what=f"{needed_for} needs packages that are not installed.",
                fix=f"pip install 'groundswell[{extra}]'",
            )
        )


def page_gone() -> Problem:
    """Return what is told to who goes on from something that is in a list no more."""
    return Problem(
        code="page-gone",
        what="What the list was to go on after is not there any more.",
        fix="Begin again, without `after`.",
    )


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word that a typing mistake most likely meant, if any is close.

    `cutoff` is how alike the two must be, from 0 to 1.

    >>> nearest("tem", ["when", "motion", "team", "play"])
    'team'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str], *, noun: str = "Allowed here") -> str:
    """Return the fix for an unknown word: the nearest known one, then all that are allowed.

    >>> did_you_mean("tem", ["when", "team"])
    'Did you mean `team`? Allowed here: when, team.'
    """
    words = list(known)
    near = nearest(word, words)
    hint = f"Did you mean `{near}`? " if near else ""
    return f"{hint}{noun}: {', '.join(words)}."
