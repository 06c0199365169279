"""What a colleague may see: a rep their own, a manager their teams', others everything."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import polars as pl

from groundswell.engine.colleagues import Role
from groundswell.engine.reports import Explanation, Notice
from groundswell.handoff.brief import Brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from groundswell.config.resolved import Team
    from groundswell.engine import Project
    from groundswell.engine.handing.handoffs import QueueRow
    from groundswell.engine.signals.answers import MovedScore, Otherwise, Weighed
    from groundswell.handoff.life import Handoff
    from groundswell.store.colleagues import Colleague

T = TypeVar("T")
Named = TypeVar("Named", "Otherwise", "MovedScore")


@dataclass(frozen=True)
class Sight:
    """What somebody may see and work.

    A rep sees an account that they own, whose handoff they have or had, or that waits for anybody
    of their team. A manager sees what their teams have; a team that names no manager is everybody's
    who is one.

    Attributes:
        project: What there is.
        who: Whose sight it is.
    """

    project: Project
    who: Colleague

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden."""
        return self.who.role in {Role.ANALYST, Role.ADMIN}

    @property
    def sees_people(self) -> bool:
        """Whether they see who the people of an account are: those who write to them do."""
        return self.who.role != Role.ANALYST

    @property
    def teams(self) -> frozenset[str]:
        """The teams whose work they see, by name."""
        teams: Mapping[str, Team] = self.project.loaded.teams
        if self.sees_all:
            return frozenset(teams)
        if self.who.role == Role.MANAGER:
            return frozenset(
                name for name, team in teams.items() if team.manager in {None, self.who.email}
            )
        return frozenset(
            name
            for name, team in teams.items()
            if any(member.email == self.who.email for member in team.members)
        )

    @property
    def addresses(self) -> frozenset[str]:
        """Whose accounts they see, by e-mail address; not asked where nothing is hidden."""
        if self.who.role != Role.MANAGER:
            return frozenset({self.who.email})
        teams = self.project.loaded.teams
        mine = (member.email for name in self.teams for member in teams[name].members)
        return frozenset({self.who.email, *mine})

    def sees_row(self, row: QueueRow | Handoff) -> bool:
        """Tell whether they see a handoff in a queue."""
        if self.sees_all:
            return True
        if row.owner is not None and row.owner in self.addresses:
            return True
        if self.who.role == Role.MANAGER:
            return row.team in self.teams
        return row.owner is None and row.team in self.teams

    def sees_account(self, account_id: str) -> bool:
        """Tell whether they see an account."""
        if self.sees_all:
            return True
        handoff = self.project.handing.book.refresh().of_account(account_id)
        if handoff is not None and self.sees_row(handoff):
            return True
        return self.project.looker.owner_of(account_id) in self.addresses

    def filter_accounts(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of accounts that they see; `frame` has `account_id` and `owner`."""
        if self.sees_all:
            return frame
        book = self.project.handing.book.refresh()
        handed = {item.account_id for item in book.all() if self.sees_row(item)}
        mine = pl.col("owner").is_in(sorted(self.addresses))
        return frame.filter(mine | pl.col("account_id").is_in(sorted(handed)))

    def show_weighed(self, weighed: Weighed) -> Weighed:
        """Return what they see of what a change does: others' accounts are counted, not named."""
        if self.sees_all:
            return weighed
        scores = weighed.scores
        return replace(
            weighed,
            differing=self._seen(weighed.differing),
            scores=scores and replace(scores, first=self._seen(scores.first)),
        )

    def _seen(self, told: tuple[Named, ...]) -> tuple[Named, ...]:
        return tuple(one for one in told if self.sees_account(one.account_id))

    def show_brief(self, brief: Brief) -> Brief:
        """Return what they see of a brief."""
        return brief if self.sees_people else without_people(brief)


def without_people(told: T) -> T:
    """Return what is told of accounts without who their people are; all else is as it was.

    What people are and do stays. This is the one rule for whoever does not write to them: analysts,
    on pages and through their assistants, and programs whose API key is of scope `read`.
    """
    hide = _HIDING.get(type(told))
    if hide is not None:
        return cast("T", hide(told))
    if isinstance(told, list | tuple):
        return _same_unless(told, [without_people(item) for item in cast("list[Any]", told)])
    if not is_dataclass(told) or isinstance(told, type):
        return told
    was = {one.name: getattr(told, one.name) for one in fields(told) if one.init}
    new = {name: without_people(value) for name, value in was.items()}
    changed = {name: value for name, value in new.items() if value is not was[name]}
    return replace(told, **changed) if changed else told


def _same_unless(told: Any, new: list[Any]) -> Any:
    """Return a sequence as it was where nothing of it was hidden."""
    if all(one is other for one, other in zip(told, new, strict=True)):
        return told
    return new if isinstance(told, list) else tuple(new)


def _hide_in_brief(brief: Brief) -> Brief:
    people = tuple(
        replace(person, user_id=f"person {number}", name=None, email=None)
        for number, person in enumerate(brief.people, start=1)
    )
    play = brief.play and replace(brief.play, opening=None, opening_rewritten=None)
    return replace(brief, people=people, play=play)


def _hide_in_explanation(explanation: Explanation) -> Explanation:
    users = sorted({link.user_id for link in explanation.links})
    called = {user: f"person {number}" for number, user in enumerate(users, start=1)}
    links = (replace(one, user_id=called[one.user_id], reason="") for one in explanation.links)
    return replace(explanation, links=tuple(links))


def _hide_in_notice(notice: Notice) -> Notice:
    return replace(notice, who=None)


_HIDING: dict[type, Callable[[Any], Any]] = {
    Brief: _hide_in_brief,
    Explanation: _hide_in_explanation,
    Notice: _hide_in_notice,
}
