"""Events as they arrive, said in the integers of the roll-up: for whom each counts, and in what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
from sqlglot import exp

from groundswell.features.compile import looked_into, looked_values, summed_values
from groundswell.features.marks import summed_properties
from groundswell.features.numbered import put
from groundswell.features.properties import DAY_SECONDS
from groundswell.features.rollup import numbered_workspaces
from groundswell.store.arrays import to_arrow, to_numpy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.features.meanings import Coding
    from groundswell.features.people import Filing
    from groundswell.features.plan import FeaturePlan

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

UNKNOWN = -1
_SEEN = "seen_events"


class Looking(Protocol):
    """A table of rows at hand, and SELECTs over it."""

    def put(self, rows: pa.Table) -> None:
        """Have these rows in the table, and no others."""
        ...

    def ask(self, sql: str) -> pa.Table:
        """Run a SELECT in DuckDB's SQL."""
        ...


class Scratch(Protocol):
    """Where SELECTs over rows at hand are run."""

    def prepared(self, table: str) -> Looking:
        """Return a table for rows that change."""
        ...


@dataclass(frozen=True)
class Arrived:
    """Events of one batch, one row per event and account that it counts for.

    Attributes:
        account, person, workspace, mark: What each is; `mark` is `UNKNOWN` where nothing like it
            was in the roll-up.
        day: When it happened.
        values: [sum column, row], NaN for none.
        unfiled: Positions in the batch of the events that count for no account.
    """

    account: Ints
    person: Ints
    workspace: Ints
    mark: Ints
    day: Ints
    values: Floats
    unfiled: Ints

    @classmethod
    def none(cls, sums: int) -> Arrived:
        """Return no events."""
        none = np.zeros(0, dtype=np.int64)
        return cls(none, none, none, none, none, np.zeros((sums, 0)), none)


@dataclass
class Arrivals:
    """Knows for whom events count and in what, as the roll-up was made with.

    Attributes:
        coding: What the codes stand for.
        codes: Number of codes; see `marks.Marks`.
        filed: The columns actor, from_day, until_day, account, person, workspace, visible and
            hidden of the filings, by actor.
        plain: By event id, the mark; `UNKNOWN` where properties matter.
        kinds: (event id, bits, text of the key) to the mark.
        sql: The SELECT that looks into the events whose properties matter; None if none do.
        sums: How many properties are added up.
        seen: The table that it looks at.
        anew: The same columns as `filed`, of accounts that were filed anew since.
        superseded: By account, whether it was.
    """

    codes: int
    filed: dict[str, Ints]
    plain: Ints
    kinds: dict[tuple[int, int, str], int]
    sql: str | None
    sums: int
    seen: Looking = field(repr=False)
    anew: dict[str, Ints]
    superseded: Bools

    @classmethod
    def of(
        cls,
        plan: FeaturePlan,
        coding: Coding,
        event_marks: pl.DataFrame,
        filing: Filing,
        actors: pl.DataFrame,
        scratch: Scratch,
    ) -> Arrivals:
        """Gather what is needed once, for all batches to come.

        Args:
            plan: What is measured.
            coding: The codes.
            event_marks: event_id, bits, key_text, code, key, as the roll-up was made with.
            filing: For whom events count.
            actors: Everybody events are of.
            scratch: Where SELECTs over a batch run.
        """
        codes = len(coding.codes)
        shapes = looked_into(coding)
        inside = {event_id for ids in shapes.values() for event_id in ids}
        plain = np.full(len(coding.shapes), UNKNOWN, dtype=np.int64)
        kinds: dict[tuple[int, int, str], int] = {}
        columns = ("event_id", "bits", "key_text", "code", "key")
        for event_id, bits, text, code, key in event_marks.select(columns).iter_rows():
            mark = key + codes - 1 if key else code
            if event_id in inside:
                kinds[event_id, bits, text] = mark
            else:
                plain[event_id] = mark
        names = summed_properties(plan)
        filed = filed_columns(filing, actors)
        return cls(
            codes=codes,
            filed=filed,
            plain=plain,
            kinds=kinds,
            sql=_look(coding, names) if inside else None,
            sums=len(names),
            seen=scratch.prepared(_SEEN),
            anew={name: column[:0] for name, column in filed.items()},
            superseded=np.zeros(filing.accounts.height, dtype=bool),
        )

    def put_back(self, filed: dict[str, Ints], numbers: Ints) -> None:
        """File accounts anew: the columns of `filed_columns`, of these accounts and no others."""
        count = max(len(self.superseded), int(numbers.max(initial=-1)) + 1)
        self.superseded = put(self.superseded, numbers, np.ones(len(numbers), bool), count=count)
        kept = ~np.isin(self.anew["account"], numbers)
        both = {
            name: np.concatenate([column[kept], filed[name]]) for name, column in self.anew.items()
        }
        order = np.argsort(both["actor"], kind="stable")
        self.anew = {name: column[order] for name, column in both.items()}

    def read(self, news: pa.Table, today: int) -> Arrived:
        """Say what each event counts for as of a day.

        Args:
            news: Events as the warehouse keeps them (`store.facts.EVENTS`).
            today: The day as of which filings are looked at.
        """
        micros = to_numpy(news.column("occurred_at").cast(pa.int64()))
        day = micros // (DAY_SECONDS * 1_000_000)
        mark, values = self._marks(news)
        which, filed = self._find(to_numpy(news.column("actor")).astype(np.int64), day, today)
        alone = np.ones(news.num_rows, dtype=bool)
        alone[which] = False
        return Arrived(
            account=filed["account"],
            person=filed["person"],
            workspace=filed["workspace"],
            mark=mark[which],
            day=day[which],
            values=values[:, which],
            unfiled=np.flatnonzero(alone),
        )

    def _find(self, actor: Ints, day: Ints, today: int) -> tuple[Ints, dict[str, Ints]]:
        """Return the position of each event that is filed, and the columns of its filing."""
        which, piece = _pieces(self.filed, actor, day, today)
        holds = ~self.superseded[self.filed["account"][piece]]
        which, piece = which[holds], piece[holds]
        found = {name: column[piece] for name, column in self.filed.items()}
        if not len(self.anew["actor"]):
            return which, found
        more, piece = _pieces(self.anew, actor, day, today)
        both = np.concatenate([which, more])
        order = np.argsort(both, kind="stable")
        anew = {name: column[piece] for name, column in self.anew.items()}
        return both[order], {
            name: np.concatenate([column, anew[name]])[order] for name, column in found.items()
        }

    def _marks(self, news: pa.Table) -> tuple[Ints, Floats]:
        event_id = to_numpy(news.column("event_id")).astype(np.int64)
        known = event_id < len(self.plain)
        mark = np.full(len(event_id), UNKNOWN, dtype=np.int64)
        mark[known] = self.plain[event_id[known]]
        values = np.full((self.sums, len(event_id)), np.nan)
        inside = np.flatnonzero(known & (mark == UNKNOWN))
        if self.sql is None or not len(inside):
            return mark, values
        some = news.select(["event_id", "occurred_at", "properties"]).take(to_arrow(inside))
        self.seen.put(some.append_column("row", to_arrow(inside)))
        seen = self.seen.ask(self.sql)
        row = to_numpy(seen.column("row"))
        kinds = zip(
            to_numpy(seen.column("event_id")).tolist(),
            to_numpy(seen.column("bits")).tolist(),
            seen.column("key_text").to_pylist(),
            strict=True,
        )
        mark[row] = [self.kinds.get(kind, UNKNOWN) for kind in kinds]
        for index in range(self.sums):
            values[index, row] = pl.Series(seen.column(f"v{index}")).cast(pl.Float64).to_numpy()
        return mark, values


def filed_columns(filing: Filing, actors: pl.DataFrame) -> dict[str, Ints]:
    """Return actor, from_day, until_day, account, person, workspace, visible, hidden, by actor."""
    filed = numbered_workspaces(filing, actors).sort("actor", maintain_order=True)
    wanted = [name for name in filed.columns if filed[name].dtype.is_integer()]
    return {name: filed[name].cast(pl.Int64).to_numpy() for name in wanted}


def _pieces(filed: dict[str, Ints], actor: Ints, day: Ints, today: int) -> tuple[Ints, Ints]:
    """Return the position of each event that is filed, and its row of the filings."""
    low = np.searchsorted(filed["actor"], actor)
    length = np.searchsorted(filed["actor"], actor, side="right") - low
    which = np.repeat(np.arange(len(actor)), length)
    piece = low[which] + np.arange(len(which)) - np.repeat(np.cumsum(length) - length, length)
    holds = (filed["from_day"][piece] <= day[which]) & (day[which] < filed["until_day"][piece])
    holds &= (filed["visible"][piece] <= today) & (today < filed["hidden"][piece])
    return which[holds], piece[holds]


def _look(coding: Coding, sums: tuple[str, ...]) -> str:
    bits, key = looked_values(looked_into(coding), "duckdb")
    select = exp.select(
        exp.column("row", "e"),
        exp.column("event_id", "e"),
        exp.alias_(bits, "bits"),
        exp.alias_(key, "key_text"),
        *summed_values(coding, sums, "duckdb"),
    )
    return select.from_(exp.to_table(_SEEN).as_("e")).sql("duckdb")
