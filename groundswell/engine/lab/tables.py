"""A plain table, studied: what can be learned from it, and whether to believe it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from groundswell.config.document import read_document
from groundswell.errors import ConfigError, Problem, UsageError, did_you_mean
from groundswell.scoring.learning import Asked, Plan, Study, prepare, study
from groundswell.scoring.learning.terms import Terms
from groundswell.store.plain_table import read_plain_table

if TYPE_CHECKING:
    from groundswell.scoring.learning.examples import Examples


def study_table(
    path: str | Path, asked: Asked, plan: Plan | None = None, *, prior: Path | None = None
) -> Study:
    """Learn from a table, judge what was learned, and say whether to believe it.

    Args:
        path: A CSV, JSONL or Parquet file, which may be compressed.
        asked: Which columns are what.
        plan: How it is studied. Rows go by time where `asked` names a time.
        prior: YAML file with the hand-made score: weights by column, or by `column = level`.

    Raises:
        LoadError: The file cannot be read.
        UsageError: A column is not there, the outcome cannot be told, or the plan contradicts
            itself.
        ConfigError: The hand-made score cannot be used.
    """
    plan = plan or Plan()
    by_time = plan.by_time or asked.time is not None
    _check(plan, by_time=by_time)
    made = prepare(read_plain_table(path), asked)
    if prior is not None:
        plan = replace(plan, prior=read_prior(prior, made.examples))
    found = study(made.examples, replace(plan, by_time=by_time), left_out=made.left_out)
    return replace(found, alarms=(*made.alarms, *found.alarms), unlabelled=made.unlabelled)


def _check(plan: Plan, *, by_time: bool) -> None:
    """Refuse a plan that contradicts itself.

    Raises:
        UsageError: It does.
    """
    if by_time and plan.rounds:
        raise UsageError(
            Problem(
                code="usage-rounds",
                what="`--rounds` judges all rows, and rows that go by time are judged by the last.",
                fix="Leave out `--rounds`, or `--time` and `--temporal`.",
            )
        )
    if plan.embargo and not by_time:
        raise UsageError(
            Problem(
                code="usage-embargo",
                what="`--embargo` keeps rows apart in time, and these rows go by chance.",
                fix="Name the column of time, `--time COLUMN`, or say `--temporal`.",
            )
        )


def read_prior(path: Path, examples: Examples) -> dict[str, float]:
    """Read the weights of a hand-made score.

    Args:
        path: YAML: names of columns, or of a level (`column = level`), and a weight each.
        examples: The columns there are.

    Raises:
        ConfigError: The file cannot be read, a weight is no number, or a column is not there.
    """
    document = read_document(path, root=Path())
    findings = document.findings()
    labels = [term.label for term in Terms.of(examples, bends=0).terms]
    found: dict[str, float] = {}
    for name, weight in document.data.items():
        if name not in labels:
            fix = did_you_mean(name, labels, noun="There are")
            findings.tell((name,), "prior-unknown", f"`{name}` is no column.", fix, at_key=True)
        elif isinstance(weight, bool) or not isinstance(weight, int | float):
            what = f"`{weight}` is not a number."
            findings.tell((name,), "prior-weight", what, "Write a weight, such as 2 or -0.5.")
        elif not math.isfinite(weight):
            what = f"`{weight}` is not finite."
            findings.tell((name,), "prior-weight", what, "Write a weight, such as 2 or -0.5.")
        else:
            found[name] = float(weight)
    if findings.problems:
        raise ConfigError(*findings.problems)
    return found
