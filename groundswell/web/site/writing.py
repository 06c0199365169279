"""Blocks of the configuration on a page: as they stand, checked with a change, and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.engine.colleagues import Role
from groundswell.errors import ConfigError, GroundswellError, Problem, UsageError

if TYPE_CHECKING:
    from groundswell.engine.signals import BlockChange, Weighed
    from groundswell.web.site.visit import Visit


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a text.

    Attributes:
        problem: What, where in the file, and how to mend it.
        line: Where in the text, from 1; None where it is elsewhere.
        column: The same.
    """

    problem: Problem
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """A block with a change that somebody makes.

    Attributes:
        block: Its key.
        text: As it is, or as it would be.
        digest: Of the file that the change is made of.
        file: Where it stands.
        diff: How the file changes; empty where it does not, or cannot.
        mistakes: What is wrong with it, as `groundswell check` tells it.
        may_write: Whether who asks may have it written.
        weighed: What it does to accounts as they stand; None where that was not asked for.
        written: Whether it was written.
        taken_up: Whether the server takes it up by itself.
        is_stale: Whether the file was changed since.
    """

    block: str
    text: str
    digest: str
    file: str = ""
    diff: str = ""
    mistakes: tuple[Mistake, ...] = ()
    may_write: bool = False
    weighed: Weighed | None = None
    written: bool = False
    taken_up: bool = False
    is_stale: bool = False


def read_block(visit: Visit, block: str) -> Edited:
    """Return a block as it stands; with the problem where it cannot be read as one.

    Args:
        visit: Who asks.
        block: Its key.
    """
    try:
        found = visit.project.signals.block(block)
    except GroundswellError as error:
        return Edited(block, "", "", mistakes=elsewhere(error.problems))
    return Edited(block, found.text, found.digest, found.file, may_write=may_write(visit))


def try_block(visit: Visit, block: str, text: str, digest: str) -> Edited:
    """Return what comes of a change, which is not made.

    Args:
        visit: Who asks.
        block: Its key.
        text: As it would be.
        digest: Of the file that the change is made of.
    """
    try:
        change = visit.project.signals.check(block, text, digest=digest)
    except (ConfigError, UsageError) as error:
        return refused(block, text, digest, error)
    if change.problems:
        mistakes = tuple(mistake_of(change, problem) for problem in change.problems)
        return Edited(block, text, digest, change.file, mistakes=mistakes)
    may = may_write(visit)
    return Edited(block, text, digest, change.file, change.diff, may_write=may)


def put_block(visit: Visit, block: str, text: str, digest: str) -> Edited:
    """Write a change where it is right, and let the server take it up; return what came of it.

    Args:
        visit: Who asks.
        block: Its key.
        text: As it is to be.
        digest: Of the file that the change is made of.
    """
    tried = try_block(visit, block, text, digest)
    if tried.mistakes or not tried.diff:
        return tried
    try:
        done = visit.project.signals.write(block, text, digest=digest)
    except (ConfigError, UsageError) as error:
        return refused(block, text, digest, error, diff=tried.diff)
    visit.note("config.write", about=block, diff=tried.diff)
    return Edited(
        block,
        text,
        done.digest,
        done.file,
        tried.diff,
        mistakes=elsewhere(done.problems),
        may_write=True,
        written=True,
        taken_up=done.taken_up,
    )


def refused(
    block: str, text: str, digest: str, error: GroundswellError, *, diff: str = ""
) -> Edited:
    """Return a change that was not even looked at, or not written, with what was typed."""
    is_stale = error.problems[0].code == "edit-stale"
    mistakes = elsewhere(error.problems)
    return Edited(block, text, digest, diff=diff, mistakes=mistakes, is_stale=is_stale)


def elsewhere(problems: tuple[Problem, ...]) -> tuple[Mistake, ...]:
    """Return problems that are not in the text."""
    return tuple(Mistake(problem) for problem in problems)


def mistake_of(change: BlockChange, problem: Problem) -> Mistake:
    """Return a problem with its place in the text, where it is in it."""
    where = problem.where
    if where is None or where.line is None or where.file != change.file:
        return Mistake(problem)
    line = where.line - change.line + 1
    return Mistake(problem, line, where.column or 1) if line >= 1 else Mistake(problem)


def may_write(visit: Visit) -> bool:
    """Tell whether who asks may have blocks written."""
    return visit.who.role == Role.ADMIN and visit.project.signals.may_write
