"""Checks of what is computed: the roll-up, the kernel, the live state, the version of the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from sqlglot import exp

from groundswell.clock import day_number
from groundswell.engine.doctor.comparing import Differences, compare
from groundswell.engine.reports import Check
from groundswell.engine.running import run_whole
from groundswell.engine.telling import read_latest
from groundswell.features import compute_features
from groundswell.features.marks import summed_properties
from groundswell.features.oracle import compile_oracle, oracle_marks, oracle_steps
from groundswell.features.plan import Measure
from groundswell.features.properties import day_of
from groundswell.features.rollup import is_current, read_coded
from groundswell.features.shard import by_arrays
from groundswell.store.activity import COLUMNS, DetachedActivity
from groundswell.store.arrays import to_numpy
from groundswell.store.nearby import read_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from groundswell.engine.project import Project
    from groundswell.features import Computation
    from groundswell.features.plan import Step

    Floats = NDArray[np.float64]

SAMPLE_ROWS = 2_000_000
"""Rows of the roll-up that the forms of a computation are compared on, about."""

_BLOCKS = 8
_TICKET = "support_ticket"
_FILING = "doctor_filing"
_RUN = "Run `groundswell run`."


def check_version(project: Project) -> Check:
    """See that accounts were scored by the score that is configured now."""
    version = project.loaded.score.version
    frame = project.live.latest() if project.live is not None else None
    if frame is None:
        frame = read_latest(project.state)
    if frame is None:
        return Check("", "ok", f"Version {version}; nothing was scored yet.")
    parts = {name for name in frame.columns if "." in name}
    wanted = {
        f"{part}.{item.name}"
        for part, defined in project.loaded.score.parts.items()
        for item in defined.components
    }
    features = set(project.loaded.features) - set(frame.columns)
    if parts == wanted and not features:
        return Check("", "ok", f"Version {version}, as of {frame.item(0, 'as_of')}.")
    odd = ", ".join(sorted((parts ^ wanted) | features)[:10])
    return Check(
        "",
        "warning",
        f"Accounts were scored before the configuration changed ({odd}); "
        f"the score is version {version} now.",
        _RUN,
    )


def check_rollup(project: Project) -> Check:
    """Say whether the roll-up is that of the facts there are."""
    filing = project.computer.filing()
    if is_current(project.warehouse, project.activity, project.computer.plan, filing):
        return Check("", "ok", "It is that of the facts there are.")
    if project.live is not None and project.live.base is not None:
        return Check("", "ok", "It is that of the last whole run; what came since is counted.")
    if project.activity.fingerprint is None:
        return Check("", "ok", "There is none yet; the first run makes it.")
    detail = "It is older than the facts, the identities or the meanings."
    return Check("", "warning", detail, f"{_RUN} It is made anew whenever something is computed.")


def check_rollup_counts(project: Project) -> Check:
    """See that the roll-up counts the events that are filed; a stale one is made anew first."""
    project.computer.computation()
    filings = project.computer.filing().filings.select("actor", "from_day", "until_day")
    project.warehouse.put(_FILING, filings.to_arrow())
    day = day_of(project.warehouse.dialect)
    same = exp.and_(
        exp.EQ(this=exp.column("actor", "f"), expression=exp.column("actor", "e")),
        exp.GTE(this=day.copy(), expression=exp.column("from_day", "f")),
        exp.LT(this=day.copy(), expression=exp.column("until_day", "f")),
    )
    select = (
        exp.select(exp.alias_(exp.Count(this=exp.Star()), "filed"))
        .from_(exp.to_table("events").as_("e"))
        .join(exp.to_table(_FILING).as_("f"), on=same)
    )
    filed = int(read_frame(project.warehouse, select)["filed"][0])
    counted = project.activity.events
    if filed == counted:
        return Check("", "ok", f"{counted:,} events are counted.")
    project.activity.forget()
    return Check(
        "",
        "failed",
        f"It counts {counted:,} events, and {filed:,} are filed.",
        f"{_RUN} The roll-up is made anew with it.",
    )


@dataclass(frozen=True)
class _Sample:
    """Some accounts, in a few runs that follow each other.

    Attributes:
        ranges: First and last account of each run.
        total: How many accounts there are in all.
    """

    ranges: tuple[tuple[int, int], ...]
    total: int

    @classmethod
    def of(cls, project: Project, computation: Computation) -> _Sample:
        """Take every account, or as many as have about `SAMPLE_ROWS` rows."""
        total = computation.dimensions.filed.height
        if not total:
            return cls((), 0)
        counts = project.activity.counts((0, total - 1))
        rows = np.zeros(total + 1, dtype=np.int64)
        rows[to_numpy(counts.column("account")) + 1] = to_numpy(counts.column("rows"))
        before = np.cumsum(rows)
        if before[-1] <= SAMPLE_ROWS:
            return cls(((0, total - 1),), total)
        ranges: list[tuple[int, int]] = []
        for block in range(_BLOCKS):
            first, end = block * total // _BLOCKS, (block + 1) * total // _BLOCKS
            if first == end:
                continue
            reached = np.searchsorted(before, before[first] + SAMPLE_ROWS // _BLOCKS, side="right")
            ranges.append((first, max(first, min(int(reached) - 1, end) - 1)))
        return cls(tuple(ranges), total)

    @property
    def accounts(self) -> list[int]:
        """The accounts' numbers."""
        return [number for low, high in self.ranges for number in range(low, high + 1)]

    def __str__(self) -> str:
        return f"{len(self.accounts):,} of {self.total:,} accounts"


def check_oracle(project: Project) -> Check:
    """Compare the kernel with plain SQL over the roll-up, step by step, as of today."""
    computation = project.computer.computation()
    sample = _Sample.of(project, computation)
    steps = _comparable(computation)
    kept = np.zeros((sample.total, len(computation.setting.plan.steps)))
    _compute(project, computation, sample, kept=kept)
    shown = _steps_frame(computation, sample, steps, kept)
    expected = _by_sql(project, computation, sample, steps)
    found = compare(shown, expected)
    return _told(found, f"{len(steps)} steps of {sample} are the same in SQL.", _REPORT)


def check_arrays(project: Project) -> Check:
    """Compare the kernel with the form that needs none, feature by feature, as of today."""
    computation = project.computer.computation()
    sample = _Sample.of(project, computation)
    shown = _compute(project, computation, sample)
    with by_arrays():
        expected = _compute(project, computation, sample)
    found = compare(shown, expected)
    count = len(computation.setting.plan.names)
    return _told(found, f"{count} features of {sample} are the same without the kernel.", _REPORT)


_REPORT = (
    "Set GROUNDSWELL_KERNEL=numpy, which computes without the kernel, and please report the "
    "feature and the account."
)


def check_live(project: Project) -> Check:
    """Compare what was counted event by event with what everything is computed to."""
    live = project.live
    if live is None or live.today is None:
        return Check("", "ok", "Nothing is followed as events come: every run computes everything.")
    if live.is_due():
        return Check("", "ok", "Everything is about to be computed anew; nothing to compare yet.")
    waiting = live.waiting()
    shown = live.latest()
    assert shown is not None, "there is a day, so accounts were scored"
    whole = run_whole(
        project.loaded,
        project.computer,
        project.ledger,
        project.clock,
        day=live.today,
    ).latest
    rest = ~pl.col("account_id").is_in(list(waiting))
    found = compare(shown.filter(rest), whole.filter(rest))
    detail = f"{whole.filter(rest).height:,} accounts are the same in every column."
    fix = f"{_RUN} Everything is computed anew, and counted from there on."
    return _told(found, detail, fix)


def _told(found: Differences, detail: str, fix: str) -> Check:
    if not found.count:
        return Check("", "ok", detail)
    what = f"{found.count:,} values of {len(found.accounts):,} accounts differ: {found}."
    return Check("", "failed", what, fix)


def _compute(
    project: Project, computation: Computation, sample: _Sample, *, kept: Floats | None = None
) -> pl.DataFrame:
    """Return the features of a sample as of today."""
    ids = computation.dimensions.filed["account_id"].gather(sample.accounts).to_list()
    day = project.today()
    frames = list(compute_features(computation, project.activity, [day], accounts=ids, kept=kept))
    return pl.concat(frames) if frames else pl.DataFrame(schema={"account_id": pl.String})


def _comparable(computation: Computation) -> list[Step]:
    """Return the steps that the oracle has; tickets, which are no rows, are not in it."""
    plan = computation.setting.plan
    ticketed = computation.dimensions.tickets.height > 0
    return [
        step
        for step in oracle_steps(plan)
        if not (ticketed and _TICKET in plan.channels[step.channel].rows.of)
    ]


def _steps_frame(
    computation: Computation, sample: _Sample, steps: list[Step], kept: Floats
) -> pl.DataFrame:
    place = {step.name: index for index, step in enumerate(computation.setting.plan.steps)}
    ids = computation.dimensions.filed["account_id"].gather(sample.accounts)
    columns = {
        step.name: pl.Series(kept[sample.accounts, place[step.name]], nan_to_null=True)
        for step in steps
    }
    return pl.DataFrame({"account_id": ids, **columns})


def _by_sql(
    project: Project, computation: Computation, sample: _Sample, steps: list[Step]
) -> pl.DataFrame:
    """Ask the oracle about a sample, whose rows of the roll-up are copied into memory."""
    plan = computation.setting.plan
    columns = [*COLUMNS, *(f"s{index}" for index in range(len(summed_properties(plan))))]
    rows = [project.activity.read(columns=columns, accounts=run) for run in sample.ranges]
    marks = oracle_marks(plan, computation.setting.marks, read_coded(project.warehouse, plan).keys)
    with DetachedActivity() as copied:
        if rows:
            copied.replace(pa.concat_tables(rows).to_reader(), fingerprint="sample")
        oracle = compile_oracle(plan, [day_number(project.today())])
        told = pl.DataFrame(copied.ask(oracle, {"oracle_marks": marks}))
    ids = computation.dimensions.filed["account_id"].gather(sample.accounts)
    every = pl.DataFrame({"account_id": ids, "account": sample.accounts})
    joined = every.join(
        told.with_columns(pl.col("account").cast(pl.Int64)), on="account", how="left"
    )
    values = [
        pl.col(step.name).cast(pl.Float64)
        if plan.channels[step.channel].measure in (Measure.FIRST, Measure.LAST)
        else pl.col(step.name).cast(pl.Float64).fill_null(0.0)
        for step in steps
    ]
    return joined.select("account_id", *values)
