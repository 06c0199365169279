"""The best SQL over the roll-up that we could write: deltas and running sums, for all days at once.

It is the peer that the kernel is measured against, and gives the numbers of the steps that
`features.oracle` answers for. Each grain (a mark, a person, a value) is made once; a step adds
where its window begins, and takes away where it ends; one running sum over the days asked for
makes all steps. Windows of people whose days were known as they happened change only at gaps,
which one `lag` finds; of others, and of values, each span adds what reaches beyond all before it.
Accounts are asked some at a time, which keeps hash tables in memory, and takes fewer seconds.

Accounts whose rows get hidden (merged ones, 2 in 500) are left out: they would take another path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.features.marks import WORKSPACE_SHIFT
from groundswell.features.oracle import oracle_steps
from groundswell.features.plan import LIFETIME, NEVER, Measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from groundswell.features.plan import FeaturePlan, Step

ACCOUNTS = 2_500
"""Accounts asked for at a time."""

_BITS = (1 << WORKSPACE_SHIFT) - 1
_APART = {
    Measure.USERS: "person",
    Measure.WORKSPACES: "workspace",
    Measure.DISTINCT: "value",
    Measure.ACTIVE_DAYS: "day",
    Measure.USER_DAYS: "person, day",
}


class Peer:
    """Answers for all steps of all accounts as of some days, in SQL alone."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, plan: FeaturePlan, days: Sequence[int]
    ) -> None:
        """Use a connection with `activity` and `oracle_marks` (`features.oracle_marks`)."""
        self.plan, self.days = plan, days
        self.steps = oracle_steps(plan)
        self._run = connection.execute
        offsets = {0} | {s.ago for s in self.steps}
        offsets |= {s.ago + s.window for s in self.steps if s.window < LIFETIME}
        axis = ", ".join(f"({pos}, {day})" for pos, day in enumerate(days))
        self._run(
            "CREATE OR REPLACE TEMP TABLE axis AS "
            f"SELECT * FROM (VALUES {axis}) AS axis(pos, as_of)"
        )
        later = ", ".join(f"count(*) FILTER (as_of < day + {k}) AS x{k}" for k in sorted(offsets))
        self._run(
            f"CREATE OR REPLACE TEMP TABLE calendar AS SELECT day, {later} FROM (SELECT unnest("
            "range(min(day), max(visible) + 1))::INTEGER AS day FROM activity) CROSS JOIN axis "
            "GROUP BY day"
        )

    def ask(self) -> int:
        """Compute everything; return the number of rows."""
        first, last = self._run("SELECT min(account), max(account) FROM activity").fetchall()[0]
        rows = 0
        for low in range(first, last + 1, ACCOUNTS):
            self.accounts(low, low + ACCOUNTS - 1)
            rows += self._run("SELECT count(*) FROM answer").fetchall()[0][0]
        return rows

    def accounts(self, first: int, last: int) -> None:
        """Make the table `answer` of some accounts: account, as_of and a column per step."""
        self._run(
            "CREATE OR REPLACE TEMP TABLE seen AS SELECT a.account, a.person, a.day, a.n, m.*, "
            f"a.event >> {WORKSPACE_SHIFT} AS workspace, v.x0 AS known, d.x0 AS soonest "
            "FROM activity AS a JOIN oracle_marks AS m "
            f"ON m.code = a.event & {_BITS} AND m.key = a.key "
            "JOIN calendar AS v ON v.day = a.visible JOIN calendar AS d ON d.day = a.day "
            f"WHERE a.account BETWEEN {first} AND {last} AND v.x0 < {len(self.days)} "
            f"AND a.account NOT IN (SELECT account FROM activity WHERE hidden < {NEVER})"
        )
        self._run(
            "CREATE OR REPLACE TEMP TABLE changes "
            "(account INTEGER, pos INTEGER, step INTEGER, adds BIGINT)"
        )
        by_channel: dict[int, list[tuple[int, Step]]] = {}
        for number, step in enumerate(self.steps):
            by_channel.setdefault(step.channel, []).append((number, step))
        self._sums(by_channel)
        for channel, steps in by_channel.items():
            if self.plan.channels[channel].measure in _APART:
                self._units(channel, steps)
        self._answer(by_channel)

    def _sums(self, by_channel: dict[int, list[tuple[int, Step]]]) -> None:
        """Add what events count, by the marks of an account and a day."""
        self._run(
            "CREATE OR REPLACE TEMP TABLE sums AS SELECT account, day, known, code, key, "
            "sum(n)::BIGINT AS n FROM seen GROUP BY ALL"
        )
        for channel, steps in by_channel.items():
            if self.plan.channels[channel].measure is not Measure.EVENTS:
                continue
            self._run(
                "CREATE OR REPLACE TEMP TABLE grain AS SELECT account, day, known, "
                f"sum(n)::BIGINT AS adds FROM sums JOIN oracle_marks AS m USING (code, key) "
                f"WHERE m.c{channel} GROUP BY account, day, known"
            )
            self._spans("grain", steps)

    def _spans(self, table: str, steps: Sequence[tuple[int, Step]]) -> None:
        """Add the rows of a table (account, day, known, adds) to the windows of steps."""
        for number, step in steps:
            begins, ends = _ends(step, len(self.days))
            self._run(
                f"INSERT INTO changes WITH s AS (SELECT account, {begins} AS lo, {ends} AS hi, "
                f"adds FROM {table} JOIN calendar USING (day) WHERE {begins} < {ends}) "
                f"SELECT account, pos, {number}, sum(adds) FROM (SELECT account, lo AS pos, adds "
                "FROM s UNION ALL SELECT account, hi, -adds FROM s) GROUP BY account, pos"
            )

    def _units(self, channel: int, steps: Sequence[tuple[int, Step]]) -> None:
        """Count each person, day or value once."""
        measure = self.plan.channels[channel].measure
        unit = _APART[measure]
        source = f"FROM seen WHERE c{channel}"
        if measure is Measure.DISTINCT:
            source = f"FROM (SELECT account, day, known, unnest(v{channel}) AS value {source})"
        elif "person" in unit:
            source += " AND person >= 0"
        elif measure is Measure.WORKSPACES:
            source += " AND workspace > 0"
        grain = unit if "day" in unit else f"{unit}, day"
        made = f"SELECT account, {grain}, min(known) AS known {source} GROUP BY account, {grain}"
        if measure in (Measure.ACTIVE_DAYS, Measure.USER_DAYS):
            self._run(
                "CREATE OR REPLACE TEMP TABLE grain AS SELECT account, day, known, "
                f"count(*) AS adds FROM ({made}) GROUP BY account, day, known"
            )
            self._spans("grain", steps)
            return
        self._run(
            f"CREATE OR REPLACE TEMP TABLE grain AS SELECT *, lag(day) OVER w AS before, "
            f"lead(day) OVER w IS NULL AS ending, bool_or(known > x0) OVER (PARTITION BY account, "
            f"{unit}) AS late FROM ({made}) JOIN calendar USING (day) "
            f"WINDOW w AS (PARTITION BY account, {unit} ORDER BY day)"
        )
        for number, step in steps:
            self._punctual(number, step)
            self._late(number, step, unit)

    def _punctual(self, number: int, step: Step) -> None:
        """Add the windows of what was known as it happened: they change at gaps alone."""
        until = f"x{step.ago + step.window}" if step.window < LIFETIME else None
        opened = f"before IS NULL OR day - before > {step.window}"
        begins = f"x{step.ago} AS pos"
        parts = [f"SELECT account, {begins}, 1 AS adds FROM grain WHERE NOT late AND ({opened})"]
        if until:
            gap = f"c.day = before AND NOT late AND grain.day - before > {step.window}"
            parts += [
                f"SELECT account, c.{until}, -1 FROM grain JOIN calendar AS c ON {gap}",
                f"SELECT account, {until}, -1 FROM grain WHERE NOT late AND ending",
            ]
        self._run(
            f"INSERT INTO changes SELECT account, pos, {number}, sum(adds) "
            f"FROM ({' UNION ALL '.join(parts)}) GROUP BY account, pos"
        )

    def _late(self, number: int, step: Step, unit: str) -> None:
        """Add what reaches beyond all that began before."""
        begins, ends = _ends(step, len(self.days))
        self._run(
            f"INSERT INTO changes WITH s AS (SELECT account, {unit}, {begins} AS lo, max({ends}) "
            f"AS hi FROM grain WHERE late AND {begins} < {ends} GROUP BY ALL), "
            "c AS (SELECT account, lo, hi, "
            f"coalesce(max(hi) OVER (PARTITION BY account, {unit} ORDER BY lo ROWS BETWEEN "
            "UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS so_far FROM s), r AS (SELECT account, "
            "greatest(lo, so_far) AS lo, hi FROM c WHERE hi > so_far) "
            f"SELECT account, pos, {number}, sum(adds) FROM (SELECT account, lo AS pos, 1 AS adds "
            "FROM r UNION ALL SELECT account, hi, -1 FROM r) GROUP BY account, pos"
        )

    def _answer(self, by_channel: dict[int, list[tuple[int, Step]]]) -> None:
        """Run the sums over the days, and carry first and last days on."""
        added, dated, days = [], [], []
        for channel, steps in by_channel.items():
            measure = self.plan.channels[channel].measure
            for number, step in steps:
                if measure in (Measure.FIRST, Measure.LAST):
                    pick = "min" if measure is Measure.FIRST else "max"
                    days.append(f"{pick}(day) FILTER (c{channel}) AS {step.name}")
                    dated.append(f"as_of - {pick}(d.{step.name}) OVER w AS {step.name}")
                else:
                    added.append(f"sum(adds) FILTER (step = {number})::BIGINT AS {step.name}")
        names = [step.name for step in self.steps]
        sums = [name.rsplit(" ", 1)[1] for name in added]
        running = [f"coalesce(sum(s.{name}) OVER w, 0)::BIGINT AS {name}" for name in sums]
        self._run(
            "CREATE OR REPLACE TEMP TABLE answer AS WITH "
            f"s AS MATERIALIZED (SELECT account, pos, {', '.join(added)} "
            "FROM changes GROUP BY ALL), "
            f"d AS MATERIALIZED (SELECT account, known AS pos, {', '.join(days)} "
            "FROM sums JOIN oracle_marks USING (code, key) GROUP BY account, known), "
            "g AS (SELECT * FROM (SELECT account, min(known) AS since FROM sums GROUP BY account) "
            "JOIN axis ON pos >= since) "
            f"SELECT account, as_of, {', '.join(names)} FROM (SELECT g.account, as_of, "
            f"{', '.join([*running, *dated])} FROM g LEFT JOIN s USING (account, pos) "
            "LEFT JOIN d USING (account, pos) WINDOW w AS (PARTITION BY g.account ORDER BY g.pos))"
        )


def _ends(step: Step, days: int) -> tuple[str, str]:
    """Return from where and until where a row counts, as positions among the days asked for."""
    ends = f"x{step.ago + step.window}" if step.window < LIFETIME else str(days)
    return f"greatest(known, x{step.ago})", ends
