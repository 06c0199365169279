"""A person's rows in the warehouse: listed, and rewritten to what accounts are counted by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pyarrow as pa
from sqlglot import exp

from groundswell.features.marks import summed_properties
from groundswell.features.meanings import encode, meanings_of
from groundswell.features.wording import is_admin, is_senior
from groundswell.store.arrays import to_arrow
from groundswell.store.digests import digest_rows
from groundswell.store.facts import IDENTITY, TRIPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from groundswell.config.resolved import Meaning
    from groundswell.engine.forgetting.persons import Person
    from groundswell.features.plan import FeaturePlan
    from groundswell.store.erasing import Eraser, Names

OWN = {
    "users": ("email", "name", "title", "department", "properties"),
    "memberships": ("properties",),
    "touches": ("properties",),
    "tickets": ("properties",),
}
"""Kinds with a user id, and what else in them is told of a person."""

TITLES = ("Member", "Director", "Admin", "Admin Director")
"""What a title becomes: the first of these that is as senior, and as much of an admin."""

_PARTS_AT_ONCE = 40


@dataclass(frozen=True)
class Rows:
    """The rows of a person, inside a transaction.

    Attributes:
        eraser: Asks and rewrites.
        person: Whose.
        names: What is put in the place of what names them.
        reads: By the id of an event's name, the properties that something is counted by.
    """

    eraser: Eraser
    person: Person
    names: Names
    reads: Sequence[frozenset[str]]

    # --- listing ------------------------------------------------------------------------------

    def own(self) -> dict[str, pa.Table]:
        """Return their rows by kind."""
        found = {
            kind: self.eraser.ask(exp.select("*").from_(f"{kind}_log").where(self._theirs()))
            for kind in OWN
        }
        actors = exp.select("*").from_("actors").where(self._acted("actors"))
        events = exp.select("events.*", "event_names.event").from_("events")
        named = exp.column("event_id", "event_names").eq(exp.column("event_id", "events"))
        events = events.join("event_names", on=named).where(self._acted("events"))
        found |= {"actors": self.eraser.ask(actors), "events": self.eraser.ask(events)}
        return {kind: rows for kind, rows in found.items() if rows.num_rows}

    def mentions(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Return table, column and the texts that name them, with what they become."""
        for table, column in self.eraser.texts():
            found: dict[str, str] = {}
            for some in _pieces(self.names.parts):
                holds = [_holds(column, part) for part in some]
                select = exp.select(column).distinct().from_(table).where(exp.or_(*holds))
                for text in self.eraser.ask(select).column(0).to_pylist():
                    new = self.names.rewrite(text, column)
                    if new != text:
                        found[text] = new
            if found:
                yield table, column, found

    # --- rewriting ----------------------------------------------------------------------------

    def erase(self) -> dict[str, int]:
        """Rewrite their rows, and what names them elsewhere; return how many rows by table."""
        own = self.own()
        counts = {kind: rows.num_rows for kind, rows in own.items()}
        for kind in OWN:
            if kind in own:
                self._erase_stated(kind, own[kind])
        if "events" in own:
            self._erase_events(own["events"])
        if "actors" in own:
            self._erase_actors(own["actors"])
        for table, column, texts in list(self.mentions()):
            rows = pa.table({column: list(texts), f"new_{column}": list(texts.values())})
            self.eraser.rewrite(table, [column], rows)
            counts[table] = counts.get(table, 0) + len(texts)
        return counts

    def _erase_stated(self, kind: str, rows: pa.Table) -> None:
        told = [self._restated(kind, row) for row in rows.to_pylist()]
        columns = ("user_id", *OWN[kind])
        schema = pa.schema(
            [("seq", pa.int64()), *((f"new_{name}", pa.string()) for name in columns)]
        )
        self.eraser.rewrite(f"{kind}_log", ["seq"], pa.Table.from_pylist(told, schema=schema))

    def _restated(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        new: dict[str, Any] = {"seq": row["seq"], "new_user_id": self.names.ids[row["user_id"]]}
        if kind in {"touches", "tickets"}:
            return {**new, "new_properties": json.dumps({"row": row["seq"]})}
        new["new_properties"] = _role_of(row["properties"])
        if kind == "users":
            email = row["email"]
            new["new_email"] = self.names.emails.get(email.strip().lower()) if email else None
            new |= {"new_title": plain_title(row["title"]), "new_department": row["department"]}
        return new

    def _erase_events(self, rows: pa.Table) -> None:
        told = rows.to_pylist()
        ids = [f"{self.names.pseudonym}-{number}" for number in range(len(told))]
        kept = [self._counted(row["event_id"], row["properties"]) for row in told]
        changed = pa.table(
            {
                "source": rows.column("source"),
                "message_id": pa.array(ids, pa.string()),
            }
        )
        digest = to_arrow(digest_rows(changed, IDENTITY).view(np.int64))
        table = pa.table(
            {
                "source": rows.column("source"),
                "message_id": rows.column("message_id"),
                "new_message_id": changed.column("message_id"),
                "new_properties": pa.array(kept, pa.string()),
                "new_digest": digest,
            }
        )
        self.eraser.rewrite("events", list(IDENTITY), table)

    def _counted(self, event_id: int, properties: str | None) -> str | None:
        """Return the properties of an event that something is counted by."""
        if not properties:
            return None
        kept = counted_properties(json.loads(properties), self.reads[event_id])
        return json.dumps(self.names.rewrite_json(kept), ensure_ascii=False) if kept else None

    def _erase_actors(self, rows: pa.Table) -> None:
        ids = self.names.ids
        new = pl.DataFrame(pl.from_arrow(rows)).select(
            "actor",
            pl.col("user_id").replace(dict(ids)).alias("user_id"),
            pl.col("anonymous_id").replace(dict(ids)).alias("anonymous_id"),
            pl.col("account_id").map_elements(
                lambda text: self.names.rewrite(text, "account_id"), return_dtype=pl.String
            ),
        )
        triples = new.select(TRIPLE).to_arrow().cast(pa.schema([(k, pa.string()) for k in TRIPLE]))
        digest = to_arrow(digest_rows(triples, TRIPLE).view(np.int64))
        table = pa.table(
            {
                "actor": rows.column("actor"),
                **{f"new_{name}": triples.column(name) for name in TRIPLE},
                "new_digest": digest,
            }
        )
        self.eraser.rewrite("actors", ["actor"], table)

    def _theirs(self) -> exp.Expr:
        ids = (exp.Literal.string(name) for name in self.person.user_ids)
        return exp.column("user_id").isin(*ids) if self.person.user_ids else exp.false()

    def _acted(self, table: str) -> exp.Expr:
        numbers = (exp.Literal.number(actor) for actor in self.person.actors)
        column = exp.column("actor", table)
        return column.isin(*numbers) if self.person.actors else exp.false()


def counted_properties(told: Any, paths: Iterable[str]) -> dict[str, Any]:
    """Return the properties of an event that something is counted by.

    >>> counted_properties({"plan": {"name": "pro", "by": "Ann"}, "ip": "10.1.2.3"}, ["plan.name"])
    {'plan': {'name': 'pro'}}
    """
    kept: dict[str, Any] = {}
    for path in sorted(paths):
        _copy(told, kept, path.split("."))
    return kept


def properties_read(
    plan: FeaturePlan, meanings: Iterable[Meaning], names: Sequence[str]
) -> list[frozenset[str]]:
    """Return by the id of an event's name the paths of the properties that are counted by."""
    coding, sums = encode(plan, names), summed_properties(plan)
    every = list(meanings)
    found: list[frozenset[str]] = []
    for event_id, event in enumerate(names):
        shape = coding.shapes[event_id]
        paths = {*shape.paths, *(test.path for test in shape.filters if test.path)}
        if any(test.pattern for test in shape.filters):
            paths |= {"path", "url"}
        if event_id in coding.summed:
            paths |= set(sums)
        for told in (meaning for meaning in every if meanings_of(event, [meaning])):
            paths |= {path for path, _ in told.where}
            paths |= {reader.path for reader in told.reads.values() if reader.path}
            paths |= {"path", "url"} if told.pages else set()
        found.append(frozenset(paths))
    return found


def plain_title(title: str | None) -> str | None:
    """Return a title that says no more than how senior somebody is, and whether an admin.

    >>> plain_title("Chief Wombat Officer"), plain_title("Wombat Whisperer"), plain_title(None)
    ('Director', 'Member', None)
    """
    if not title:
        return None
    shape = is_senior(title), is_admin(title)
    alike = (one for one in TITLES if (is_senior(one), is_admin(one)) == shape)
    return next(alike, TITLES[0])


def _role_of(properties: str | None) -> str | None:
    """Return the role alone of what is told of a user or a membership."""
    told = json.loads(properties) if properties else {}
    role = told.get("role") if isinstance(told, dict) else None
    return json.dumps({"role": role}, ensure_ascii=False) if isinstance(role, str) else None


def _copy(told: Any, kept: dict[str, Any], steps: Sequence[str]) -> None:
    first, *rest = steps
    if not isinstance(told, dict) or first not in told:
        return
    if not rest:
        kept[first] = told[first]
        return
    below = kept.setdefault(first, {})
    if isinstance(below, dict):
        _copy(told[first], below, rest)


def _holds(column: str, part: str) -> exp.Expr:
    place = exp.StrPosition(
        this=exp.Lower(this=exp.column(column)), substr=exp.Literal.string(part)
    )
    return exp.GT(this=place, expression=exp.Literal.number(0))


def _pieces(parts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(parts), _PARTS_AT_ONCE):
        yield parts[start : start + _PARTS_AT_ONCE]
