"""What is known about the people behind the activity: their team, and whether they administer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from groundswell.features.plan import NEVER
from groundswell.features.wording import is_admin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_WIDE = 1 << 32


class Filing(Protocol):
    """Which account every event counts for, by whom, and as of when (see intake/filing.py)."""

    @property
    def filings(self) -> pl.DataFrame:
        """Actor, from_day, until_day, account, person, visible, hidden."""
        ...

    @property
    def members(self) -> pl.DataFrame:
        """Account, person, since, until: the days as of which a person belongs."""
        ...

    @property
    def accounts(self) -> pl.DataFrame:
        """Account, account_id, domain, is_free_mail, parent_id, since, ..., one row each."""
        ...

    @property
    def persons(self) -> pl.DataFrame:
        """Person, user_id."""
        ...

    @property
    def merges(self) -> pl.DataFrame:
        """Account, into, since, until: days as of which an account is another one."""
        ...


@dataclass(frozen=True)
class People:
    """Teams of people over time, and since when each is known to be an admin.

    Attributes:
        team_ptr: Per person, its first team; one longer than the persons.
        team_day: The day a team is known from, ascending per person.
        team: Number of the team.
        teams: Names of the teams, folded; a number is a position here.
        admin_person, admin_day: People known as admins by title or role, and since when.
    """

    team_ptr: Ints
    team_day: Ints
    team: Ints
    teams: tuple[str, ...]
    admin_person: Ints
    admin_day: Ints

    def team_at(self, person: Ints, day: Ints) -> Ints:
        """Return the team each person was known to be in on each day; -1 for none."""
        if not len(self.team):
            return np.full(len(person), -1, dtype=np.int64)
        at = np.searchsorted(self._since, person * _WIDE + day + NEVER, side="right") - 1
        found = (at >= 0) & (self._since[at] // _WIDE == person)
        return np.where(found, self.team[at], -1)

    @cached_property
    def _since(self) -> Ints:
        """Person and day of each team as one number, ascending."""
        owner = np.repeat(np.arange(len(self.team_ptr) - 1), np.diff(self.team_ptr))
        return owner * _WIDE + self.team_day + NEVER

    def admin_since(self, person: Ints) -> Ints:
        """Return since when each person is known as an admin; `NEVER` for who is not."""
        most = max(person.max(initial=0), self.admin_person.max(initial=0))
        since = np.full(int(most) + 1, NEVER, dtype=np.int64)
        np.minimum.at(since, self.admin_person, self.admin_day)
        return since[person]

    def number_of(self, team: str) -> int:
        """Return the number of a team by name; -2 when nobody is in it."""
        folded = fold_team(team)
        return self.teams.index(folded) if folded in self.teams else -2


def fold_team(team: str) -> str:
    """Return a department's name as it is compared.

    >>> fold_team("  Data Science ")
    'data science'
    """
    return team.strip().casefold()


def know_people(filing: Filing, users: pl.DataFrame, memberships: pl.DataFrame) -> People:
    """Gather teams and admins from the versions of users and memberships.

    A version without a department leaves the department that was known before.

    Args:
        filing: Numbers of the persons.
        users: All versions, in canonical columns.
        memberships: In canonical columns.
    """
    persons = filing.persons.select("person", "user_id")
    known = users.select(
        "user_id",
        "title",
        "department",
        "valid_from",
        _role("properties").alias("role"),
        _from("valid_from"),
    ).join(persons, on="user_id")
    told = (
        known.filter(pl.col("department").str.strip_chars() != "")
        .with_columns(pl.col("department").map_elements(fold_team, return_dtype=pl.String))
        .sort("person", "valid_from", nulls_last=False, maintain_order=True)
    )
    teams = tuple(sorted(told["department"].unique().to_list()))
    number = {name: index for index, name in enumerate(teams)}
    owner = told["person"].cast(pl.Int64).to_numpy()
    admins = pl.concat(
        [
            known.unpivot(["title", "role"], index=["person", "day"], value_name="said"),
            memberships.select("user_id", _role("properties").alias("said"), _from("since"))
            .join(persons, on="user_id")
            .select("person", "day", pl.lit("role").alias("variable"), "said"),
        ]
    ).drop_nulls("said")
    said = [text for text in admins["said"].unique().to_list() if is_admin(text)]
    admins = admins.filter(pl.col("said").is_in(said))
    return People(
        team_ptr=np.searchsorted(owner, np.arange(len(persons) + 1)).astype(np.int64),
        team_day=told["day"].to_numpy().astype(np.int64),
        team=np.array([number[name] for name in told["department"]], dtype=np.int64),
        teams=teams,
        admin_person=admins["person"].cast(pl.Int64).to_numpy(),
        admin_day=admins["day"].cast(pl.Int64).to_numpy(),
    )


def _role(column: str) -> pl.Expr:
    found = pl.col(column).str.extract(r'"role"\s*:\s*"([^"\\]*)"', 1)
    return pl.when(found.str.len_bytes() > 0).then(found)


def _from(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("d").cast(pl.Int64).fill_null(-NEVER).alias("day")
