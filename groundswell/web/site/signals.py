"""Signals: what events mean, when to act, who works it, what to say; and the editor of all that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundswell.engine.signals import BLOCKS
from groundswell.errors import ConfigError
from groundswell.web.site.visit import Answer, NotSeenError, Shown
from groundswell.web.site.writing import Edited, put_block, read_block, try_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.engine.signals import Signs
    from groundswell.errors import Problem
    from groundswell.web.site.visit import Visit

MOST_EVENTS = 200
"""Events of each kind that are shown; a product that sends more names them by what varies."""


@dataclass(frozen=True, slots=True)
class SignalsPage:
    """What the configuration says, and what it comes to.

    Attributes:
        signs: All of that; None while it is first counted.
        problems: Why it could not be counted.
        blocks: What can be edited, and what each says.
        most: Events that are shown at most, of those that mean something and of the others.
    """

    signs: Signs | None
    problems: tuple[Problem, ...]
    blocks: Mapping[str, str]
    most: int = MOST_EVENTS


@dataclass(frozen=True, slots=True)
class EditPage:
    """A block in its editor.

    Attributes:
        edited: The block, and what comes of a change.
        says: What the block says.
        blocks: What else can be edited.
        taking_up: Whether the server is about to take a change up.
    """

    edited: Edited
    says: str
    blocks: Mapping[str, str]
    taking_up: bool


def show_signals(visit: Visit) -> Answer:
    """Show what the configuration says, and what it comes to."""
    signs, problems = visit.site.signals.read()
    page = SignalsPage(signs, () if signs else problems, BLOCKS)
    return Shown("signals.html", page, "Signals", part="part_signals.html")


def show_block(visit: Visit) -> Answer:
    """Show a block in its editor.

    Raises:
        NotSeenError: It is none that is edited here.
    """
    return _shown(visit, read_block(visit, _block(visit)), status=200)


def check_edit(visit: Visit) -> Answer:
    """Check a change of a block, and show how the file would change; nothing is written.

    Raises:
        NotSeenError: It is none that is edited here.
    """
    return _shown(visit, try_block(visit, _block(visit), *_told(visit)))


def weigh_edit(visit: Visit) -> Answer:
    """Show what a change of a block does to accounts as they stand; nothing is written.

    Raises:
        NotSeenError: It is none that is edited here.
        ConfigError: It has mistakes, and a part of the page is asked for.
    """
    block, (text, digest) = _block(visit), _told(visit)
    edited = try_block(visit, block, text, digest)
    if edited.mistakes and visit.is_part:
        raise ConfigError(*(mistake.problem for mistake in edited.mistakes))
    if not edited.mistakes:
        weighed = visit.project.signals.weigh(block, text)
        edited = replace(edited, weighed=visit.sight.show_weighed(weighed))
    return _shown(visit, edited, part="part_weighed.html")


def write_edit(visit: Visit) -> Answer:
    """Write a change of a block where pages may.

    Raises:
        NotSeenError: It is none that is edited here.
    """
    return _shown(visit, put_block(visit, _block(visit), *_told(visit)))


def _block(visit: Visit) -> str:
    block = visit.path["block"]
    if block not in BLOCKS:
        raise NotSeenError("block")
    return block


def _told(visit: Visit) -> tuple[str, str]:
    """Return the text that was sent, as it was typed, and the digest of what it was made of."""
    return visit.form.get("text", "").replace("\r\n", "\n"), visit.form.get("digest", "")


def _shown(
    visit: Visit, edited: Edited, *, part: str | None = None, status: int | None = None
) -> Answer:
    page = EditPage(edited, BLOCKS[edited.block], BLOCKS, visit.site.renewing())
    told = status or (422 if edited.mistakes and not edited.written else 200)
    return Shown("edit.html", page, edited.block, status=told, part=part)
