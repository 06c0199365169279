"""Gathering the story of accounts: their people, what these did, what was done before.

Everything is read for many accounts at once, since many may be handed over at once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

import polars as pl
from sqlglot import exp

from groundswell.clock import day_number
from groundswell.engine.deciding import BARRED
from groundswell.engine.handing.deeds import WEEKS, Deeds
from groundswell.features.wording import is_admin, is_senior
from groundswell.handoff.brief import Fact, Past, Person, Story
from groundswell.handoff.life import DECLINE_REASONS, STEPS, Step
from groundswell.intake.people import ANONYMOUS_PREFIX
from groundswell.model import Kind
from groundswell.routing.offers import fitting_plan
from groundswell.store.nearby import KINDS, read_frame, read_those
from groundswell.store.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.handing.opening import About
    from groundswell.handoff.life import Handoff
    from groundswell.intake import Filing
    from groundswell.store.ledger import JournalEntry, Ledger
    from groundswell.store.nearby import Rosters
    from groundswell.store.warehouse import Warehouse

PEOPLE = 6
REQUESTS = 3
MONTHS = 12
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """What people of an account did on a day: how many did, and events by how often."""

    day: date
    people: int
    events: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Gatherer:
    """Gathers stories from the facts and the journal.

    Attributes:
        loaded: The configuration.
        warehouse: What happened.
        ledger: What was decided.
        filing: Who belongs where.
        rosters: Who and what there is, where that is at hand; else the warehouse is asked.
    """

    loaded: LoadedConfig
    warehouse: Warehouse
    ledger: Ledger
    filing: Filing
    rosters: Rosters | None = None

    def stories(
        self,
        about: Mapping[str, About],
        day: date,
        *,
        handoffs: Mapping[str, Handoff] | None = None,
    ) -> dict[str, Story]:
        """Return the story of each account as of a day.

        Args:
            about: Accounts with what is known of them.
            day: As of when.
            handoffs: By account, the handoff that the story is told for.
        """
        members = self._members(about, day)
        did = Deeds.of(self._activity(members["user_id"].unique().to_list(), day), members, day)
        users = self._users(members["user_id"].unique(), day)
        touches = _by_account(_before(self._read(Kind.TOUCHES, "account_id", about), day))
        tickets = _by_account(_before(self._read(Kind.TICKETS, "account_id", about), day))
        entries, names = self._entries(about, day), self.warehouse.event_names()
        barred = self._barred()
        belong: dict[str, list[str]] = defaultdict(list)
        for account_id, user in members.iter_rows():
            belong[account_id].append(user)
        found: dict[str, Story] = {}
        for account_id, known in about.items():
            touched, asked = touches.get(account_id, []), tickets.get(account_id, [])
            handoff = (handoffs or {}).get(account_id)
            found[account_id] = Story(
                account_id=account_id,
                name=known.name,
                domain=known.domain,
                values=dict(known.values),
                people=tuple(self._people(belong[account_id], did, users, touched, day)),
                trend=did.trend.get(account_id, ()),
                features=tuple(
                    Fact(names[event], f"{count:,} times by {_heads(people)}")
                    for event, count, people in did.most.get(account_id, ())
                ),
                requests=tuple(
                    f"{row['topic'] or 'a ticket'}, {row['at']:%Y-%m-%d}"
                    for row in asked[-1 : -REQUESTS - 1 : -1]
                ),
                history=tuple(_past(entries.get(account_id, ()), touched, handoff)),
                company=self.loaded.config.company,
                owner=handoff.owner if handoff else None,
                due_at=handoff.due_at if handoff else None,
                added_arr=_added(known),
                next_plan=fitting_plan(
                    self.loaded.plans, known.values, usage=self.loaded.config.limits.usage
                )
                or None,
                do_not_contact=barred.get(account_id),
                more={
                    "people": len(belong[account_id]) - PEOPLE,
                    "features": did.unnamed.get(account_id, 0),
                    "requests": len(asked) - REQUESTS,
                },
            )
        return found

    def days_of(self, account_id: str, day: date, *, days: int) -> list[DayOfUse]:
        """Return what was done on each of the last days on which anything was, the newest first.

        Args:
            account_id: By whose people.
            day: The last day.
            days: How far back is looked.
        """
        members = self._members([account_id], day)
        acts = self._activity(members["user_id"].unique().to_list(), day, days=days)
        names = self.warehouse.event_names()
        found: list[DayOfUse] = []
        for (on,), rows in acts.sort("day", descending=True).group_by("day", maintain_order=True):
            counts = rows.group_by("event_id").agg(pl.col("n").sum())
            ranked = counts.sort(["n", "event_id"], descending=[True, False])
            events = tuple((names[event], count) for event, count in ranked.iter_rows())
            found.append(DayOfUse(cast("date", on), rows["user_id"].n_unique(), events))
        return found

    def _read(self, kind: Kind, column: str, ids: Collection[str]) -> pl.DataFrame:
        """Return the rows of a kind with one of some ids in a column."""
        if self.rosters is not None and kind in KINDS:
            return self.rosters.those(kind, column, ids).sort(TABLES[kind].names)
        if len(ids) <= _AT_ONCE:
            return read_those(self.warehouse, kind, column, ids)
        wanted = pl.Series(list(ids), dtype=pl.String).implode()
        return self.warehouse.read(kind).filter(pl.col(column).is_in(wanted))

    def _barred(self) -> dict[str, str]:
        """Return who says of which accounts that nobody may contact them."""
        said = self.ledger.all_remembered(BARRED, prefix="")
        listed = self.loaded.guardrails.do_not_contact
        return said | dict.fromkeys(listed, "guardrails.do_not_contact")

    def _members(self, about: Collection[str], day: date) -> pl.DataFrame:
        """Return account_id, user_id of who belongs to the accounts as of a day."""
        today = day_number(day)
        wanted = self.filing.accounts.filter(
            pl.col("account_id").is_in(pl.Series(list(about), dtype=pl.String).implode())
        )
        return (
            self.filing.members.filter((pl.col("since") <= today) & (pl.col("until") > today))
            .join(wanted.select("account", "account_id"), on="account")
            .join(self.filing.persons, on="person")
            .filter(~pl.col("user_id").str.starts_with(ANONYMOUS_PREFIX))
            .select("account_id", "user_id")
            .unique(maintain_order=True)
        )

    def _activity(self, users: Sequence[str], day: date, *, days: int = 7 * WEEKS) -> pl.DataFrame:
        """Return user_id, day, event_id, count of what people did in the last days."""
        first = datetime.combine(day - timedelta(days=days - 1), time(), UTC)
        last = datetime.combine(day + timedelta(days=1), time(), UTC)
        actors = self._actors(users)
        numbers = actors["actor"].to_list()
        frames = [
            read_frame(self.warehouse, _acts(numbers[start : start + _AT_ONCE], first, last))
            for start in range(0, len(numbers), _AT_ONCE)
        ]
        schema = {"user_id": pl.String, "day": pl.Date, "event_id": pl.Int64, "n": pl.UInt32}
        if not frames:
            return pl.DataFrame(schema=schema)
        return (
            pl.concat(frames)
            .join(actors.cast({"actor": frames[0].schema["actor"]}), on="actor")
            .group_by(
                "user_id",
                pl.col("occurred_at").dt.date().alias("day"),
                pl.col("event_id").cast(pl.Int64),
            )
            .agg(pl.len().alias("n"))
        )

    def _actors(self, users: Sequence[str]) -> pl.DataFrame:
        """Return actor and user_id of everything that some users did something by."""
        if self.rosters is not None:
            return self.rosters.actors_of(users, (), ()).select("actor", "user_id")
        frames = [
            read_frame(self.warehouse, _of_users(users[start : start + _AT_ONCE]))
            for start in range(0, len(users), _AT_ONCE)
        ]
        schema = {"actor": pl.Int64, "user_id": pl.String}
        return pl.concat(frames) if frames else pl.DataFrame(schema=schema)

    def _users(self, ids: pl.Series, day: date) -> dict[str, dict[str, str | None]]:
        """Return what was said of users by the end of a day; what bears no day was always known."""
        rows = self._read(Kind.USERS, "user_id", ids.to_list())
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        known = rows.filter(pl.col("valid_from").is_null() | (pl.col("valid_from") < end))
        latest = (
            known.sort("user_id", "valid_from")
            .group_by("user_id", maintain_order=True)
            .agg(pl.col("email", "name", "title").drop_nulls().last())
        )
        return {row["user_id"]: row for row in latest.iter_rows(named=True)}

    def _entries(self, about: Collection[str], day: date) -> dict[str, list[JournalEntry]]:
        only = next(iter(about)) if len(about) == 1 else None
        found: dict[str, list[JournalEntry]] = defaultdict(list)
        for entry in self.ledger.journal(account_id=only, kinds=STEPS):
            if entry.account_id in about and entry.as_of <= day:
                found[entry.account_id].append(entry)
        return found

    def _people(
        self,
        ids: Sequence[str],
        did: Deeds,
        users: Mapping[str, Mapping[str, str | None]],
        touched: Sequence[Mapping[str, Any]],
        day: date,
    ) -> Iterable[Person]:
        """Return who matters: the most active first, then admins and seniors, then the rest."""
        rests = self._resting(touched, day)
        ranked = sorted(ids, key=lambda user: (-did.active.get(user, 0), user))
        champion = ranked[0] if ranked and did.active.get(ranked[0], 0) else None
        found: list[Person] = []
        for user in ranked:
            told = users.get(user, {})
            title = told.get("title")
            role = "champion" if user == champion else None
            role = role or ("admin" if is_admin(title) else "senior" if is_senior(title) else None)
            found.append(
                Person(
                    user,
                    told.get("name"),
                    told.get("email") or (user if "@" in user else None),
                    title,
                    role,
                    did.active.get(user, 0),
                    did.seen.get(user),
                    rests.get(user),
                )
            )
        return sorted(found, key=lambda person: person.role is None)[:PEOPLE]

    def _resting(self, touched: Sequence[Mapping[str, Any]], day: date) -> dict[str, str]:
        least = self.loaded.guardrails.person_touch_days
        ago = {row["user_id"]: (day - row["at"].date()).days for row in touched if row["user_id"]}
        return {
            user: f"contacted {days} days ago, less than {least}"
            for user, days in ago.items()
            if days < least
        }


def _by_account(rows: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return rows by account, each account's in the order of time."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.sort("at").iter_rows(named=True):
        found[row["account_id"]].append(row)
    return found


def _heads(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _acts(actors: Sequence[int], first: datetime, last: datetime) -> exp.Select:
    at, of = exp.column("occurred_at"), exp.column("actor")
    numbers = [exp.Literal.number(actor) for actor in actors]
    instants = [
        exp.cast(exp.Literal.string(moment.isoformat()), "timestamptz") for moment in (first, last)
    ]
    return (
        exp.select(of, at, exp.column("event_id"))
        .from_("events")
        .where(of.isin(*numbers), at >= instants[0], at < instants[1])
    )


def _of_users(users: Sequence[str]) -> exp.Select:
    named = exp.column("user_id")
    texts = [exp.Literal.string(user) for user in users]
    return exp.select(exp.column("actor"), named).from_("actors").where(named.isin(*texts))


def _before(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    return rows.filter(pl.col("at") < datetime.combine(day + timedelta(days=1), time(), UTC))


def _added(about: About) -> float | None:
    acv, mrr = about.values.get("estimated_acv"), about.values.get("mrr")
    if not isinstance(acv, int | float):
        return None
    paid = float(mrr) * MONTHS if isinstance(mrr, int | float) else 0.0
    return acv - paid if acv - paid > 0 else None


_SAID = {
    Step.ROUTED: "Handed over",
    Step.ASSIGNED: "Given to",
    Step.ACCEPTED: "Taken up",
    Step.DECLINED: "Declined",
    Step.SNOOZED: "Put off",
    Step.TOUCHED: "In touch",
    Step.ESCALATED: "Handed on to enterprise",
    Step.BREACHED: "Nobody answered in time",
    Step.OPENED: "Opportunity opened",
    Step.WON: "Won",
    Step.LOST: "Lost",
    Step.CONVERTED: "Bought by itself",
    Step.EXPIRED: "Let go",
}


def _past(
    entries: Sequence[JournalEntry],
    touched: Sequence[Mapping[str, Any]],
    handoff: Handoff | None,
) -> Iterable[Past]:
    """Yield what was done before with an account; of its present handoff nothing."""
    for entry in entries:
        if handoff is not None and entry.body["handoff_id"] == handoff.handoff_id:
            continue
        what = _SAID.get(Step(entry.kind))
        if what is None:
            continue
        to = entry.body.get("owner") if entry.kind == Step.ASSIGNED else None
        reason = entry.body.get("reason")
        why = DECLINE_REASONS.get(str(reason), str(reason)) if reason else None
        said = f"{what} {to}" if to else f"{what}: {why}" if why else what
        yield Past(entry.at, said, str(entry.body.get("who") or "") or None)
    for row in touched:
        whom = f" with {row['user_id']}" if row.get("user_id") else ""
        yield Past(row["at"], f"{row['kind'] or 'Touch'}{whom}", row.get("rep"))
