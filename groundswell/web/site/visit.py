"""What a page is asked with, and what it answers: a visit, and a page, a move or a file."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from groundswell.engine.colleagues import Role
from groundswell.engine.project import FIRST_DAY, LAST_DAY
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from groundswell.engine import Project
    from groundswell.engine.colleagues import Colleagues
    from groundswell.engine.feed import Feed
    from groundswell.engine.sight import Sight
    from groundswell.store.colleagues import Colleague
    from groundswell.web.site.provider import WayIn
    from groundswell.web.site.shelf import ReportShelf
    from groundswell.web.site.signal_board import SignalBoard
    from groundswell.web.site.sources import SourceBoard


@dataclass
class Site:
    """What pages are made of.

    Attributes:
        project: What is shown, and done with.
        colleagues: Who signs in.
        alone: Held while the project computes, so that one at a time does.
        feed: What happens, as it does.
        reports: The reports that were made, and those being made.
        sources: How sources are doing.
        signals: What is listened for, and what came of it.
        first_run: The secret that lets somebody become the first admin.
        refused: What is wrong with the configuration that was to be taken up last; nothing where
            this server read it, or another one does.
        way_in: The identity provider that colleagues sign in by; None for none.
        renew: Lets the server take up a configuration that was changed.
        renewing: Whether another server is about to take this one's place because of that.
    """

    project: Project
    colleagues: Colleagues
    alone: AbstractContextManager[object]
    feed: Feed
    reports: ReportShelf
    sources: SourceBoard
    signals: SignalBoard
    first_run: str = field(repr=False)
    renew: Callable[[], None]
    renewing: Callable[[], bool]
    refused: Callable[[], tuple[Problem, ...]]
    way_in: WayIn | None = None

    @property
    def takes_passwords(self) -> bool:
        """Whether a password of ours lets somebody in."""
        return self.project.loaded.config.sign_in.password


@dataclass(frozen=True)
class Visit:
    """One request of somebody who signed in.

    Attributes:
        site: What is shown.
        who: Who asks.
        sight: What they may see.
        path: The parts of the path that vary, by name.
        query: The query, each parameter's last value.
        form: What was sent with it, each field's last value.
        is_part: Whether a page asks for a part of itself.
        address: The network address it comes from.
    """

    site: Site
    who: Colleague
    sight: Sight
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    is_part: bool
    address: str

    @property
    def project(self) -> Project:
        """What is shown."""
        return self.site.project

    @property
    def may_act(self) -> bool:
        """Whether they may do something, beside looking."""
        return self.who.role != Role.ANALYST

    def day(self, name: str = "as_of") -> date | None:
        """Return the day that the query names.

        Raises:
            UsageError: It is none.
        """
        text = self.query.get(name, "")
        if not text:
            return None
        with suppress(ValueError):
            if FIRST_DAY <= (day := date.fromisoformat(text)) <= LAST_DAY:
                return day
        raise UsageError(
            Problem("page-day", f"`{text[:40]}` is not a day.", "Write it as 2026-06-30.")
        )

    def number(self, name: str, *, least: int, most: int, usual: int) -> int:
        """Return the whole number that the query names, within bounds.

        Raises:
            UsageError: It is none.
        """
        text = self.query.get(name, "")
        if not text:
            return usual
        if not text.isdecimal() or len(text) > 9:
            raise UsageError(
                Problem("page-number", f"`{text[:40]}` is not a number.", "Write a whole number.")
            )
        return min(max(int(text), least), most)

    def note(self, action: str, *, about: str = "", **detail: Any) -> None:
        """Write down what they did."""
        self.site.colleagues.note(
            self.who.email, action, about=about, detail=detail, address=self.address
        )


def read_number(name: str, text: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """Return the number that a field of a query holds, within bounds.

    Raises:
        UsageError: It is none, or beyond them.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and least <= number <= most:
        return number
    bounds = "" if math.isinf(most) else f" from {least:g} to {most:g}"
    raise UsageError(
        Problem(
            "page-number", f"`{name[:60]}` cannot be `{text[:40]}`.", f"Write a number{bounds}."
        )
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, or a part of one.

    Attributes:
        template: Its name.
        context: What it shows; a dataclass of the page's own module.
        title: What the browser calls it.
        status: Of HTTP.
        part: The template of the part alone, for a page that asks for it.
        trigger: What the page is told happened, for its script.
    """

    template: str
    context: Any
    title: str
    status: int = 200
    part: str | None = None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """Somewhere else to look."""

    to: str


@dataclass(frozen=True, slots=True)
class File:
    """Bytes, and what they are; saved under a name where there is one."""

    content: bytes
    media_type: str
    name: str | None = None


Answer = Shown | Moved | File


class NotSeenError(UsageError):
    """There is no such thing, or it is not for who asks: both are told alike."""

    def __init__(self, what: str) -> None:
        super().__init__(
            Problem(
                "not-seen",
                f"There is no {what} here that you may see.",
                "Check the address, or ask a manager or an admin.",
            )
        )
