"""Commands that learn from outcomes: lab, behaviours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.learning_options import OutOption, check_out, parse_outcome, write_out
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, number, out, print_json
from groundswell.engine.lab import (
    Asked,
    Behaviours,
    Challenge,
    Figure,
    Line,
    Plan,
    Study,
    study_table,
)

_STYLES = {"ok": "bold green", "no_signal": "bold yellow", "too_few": "bold yellow"}
_SHOWN = 12
_MOST_NAMES = 6
_SAME_AS, _SAME = "It says what `", "Another one says the same; `--json` names it."
_FIGURES = {
    "roc_auc": "AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "ece": "calibration error",
    "top_decile_lift": "lift of the top tenth",
}


@app.command()
def lab(
    file: Annotated[Path, typer.Argument(help="CSV, JSONL or Parquet; it may be compressed.")],
    label: Annotated[str, typer.Option(help="Column of the outcome; empty where not known yet.")],
    positive: Annotated[
        str | None, typer.Option(help="Its value that says the outcome came; default: the yes.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Column that orders the rows; the last are judged by.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose rows stay together, such as an account.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Leave a column out; repeatable, or a,b,c.")
    ] = None,
    prior: Annotated[
        Path | None, typer.Option(help="YAML file with a hand-made score: a weight by column.")
    ] = None,
    test_fraction: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="Share of rows that are judged by.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Of split, folds and bootstrap.")] = 0,
    temporal: Annotated[
        bool, typer.Option("--temporal", help="Judge by the last rows instead of by chance.")
    ] = False,
    embargo: Annotated[
        float, typer.Option(min=0, help="By time: days until an outcome is known.")
    ] = 0.0,
    rounds: Annotated[
        int, typer.Option(min=0, help="Judge all rows, by five folds, in so many rounds.")
    ] = 0,
    challenger: Annotated[
        bool, typer.Option("--challenger", help="Try steps by gradient boosting too (extra `lab`).")
    ] = False,
    out_file: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Learn a score from any table, and say whether it should be believed."""
    check_out(out_file)
    dropped = [name.strip() for given in drop or [] for name in given.split(",")]
    asked = Asked(label, positive, time, group, dropped)
    plan = Plan(
        test_fraction,
        seed,
        by_time=temporal,
        embargo=embargo,
        rounds=rounds,
        challenged=challenger,
    )
    found = study_table(file, asked, plan, prior=prior)
    write_out(found, out_file, title=f"{file.name}: {label}")
    if json:
        print_json(found)
        return
    print_study(found)


@app.command()
def behaviours(
    outcome: Annotated[str, typer.Option(help="converted, expanded, won or any.")] = "converted",
    near: Annotated[int, typer.Option(min=0, help="Days before the outcome: until then.")] = 30,
    far: Annotated[int, typer.Option(min=7, help="Days before the outcome: from then on.")] = 90,
    weeks: Annotated[int, typer.Option(min=2, max=520, help="Weeks that are looked at.")] = 52,
    limit: Annotated[int, typer.Option(min=0, help="At most so many rows.")] = 20,
    as_of: AsOfOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show which behaviours precede an outcome, by what they were where none came."""
    asked = parse_outcome(outcome)
    day = parse_day(as_of)
    with open_project(project) as opened:
        found = opened.lab.behaviours(asked, near=near, far=far, weeks=weeks, as_of=day)
    if json:
        print_json(found)
    else:
        _print_behaviours(found, limit=limit)


def _print_behaviours(found: Behaviours, *, limit: int) -> None:
    err.print(
        f"{number(found.came)} of {counted(found.accounts, 'account')} {found.outcome} in time; "
        f"{counted(found.snapshots, 'snapshot')} compared, each account counting as one.",
        soft_wrap=True,
    )
    if not found.rows:
        out.print(
            "Too few to say anything: 20 accounts that did, and 20 that did not, are needed. "
            "Look at more `--weeks`, or another `--outcome`.",
            soft_wrap=True,
        )
        return
    table = Table(
        "behaviour", "before it", "otherwise", "effect", "95 of 100 draws", box=None, pad_edge=False
    )
    telling = [row for row in found.rows if row.tells]
    for row in telling[:limit]:
        effect = row.effect
        table.add_row(
            Text(row.feature),
            number(round(row.before, 2)),
            number(round(row.otherwise, 2)),
            f"{effect.value:.2f}",
            f"{effect.low:.2f} to {effect.high:.2f}",
        )
    out.print(table)
    others = len(found.rows) - len(telling)
    err.print(
        "The effect is the chance that it is more before the outcome than otherwise: above 0.5 "
        f"more, below it less. {number(others)} of {counted(len(found.rows), 'behaviour')} do not "
        "tell; what goes with an outcome need not bring it about.",
        soft_wrap=True,
    )


def print_study(found: Study) -> None:
    """Print what was found: the verdict, the figures, the alarms and the scorecard."""
    out.print(
        Text(found.verdict, style=_STYLES[found.verdict]), Text(found.message), soft_wrap=True
    )
    _print_figures(found)
    for alarm in found.alarms:
        out.print(
            Text(f"alarm {alarm.code}", style="bold red"), Text(alarm.message), soft_wrap=True
        )
    if found.scorecard is not None:
        out.print()
        out.print(
            f"An average row has {found.scorecard.base:.0f} points; "
            f"{found.scorecard.doubles:.3g} more double the odds, and 100 are odds of "
            f"{found.scorecard.full_odds:.2g} to 1.",
            soft_wrap=True,
        )
        table = Table("feature", "what it gives", "unknown", box=None, pad_edge=False)
        for line in found.scorecard.lines[:_SHOWN]:
            table.add_row(Text(line.feature), Text(_given(line)), f"{line.unknown:+.0f}")
        out.print(table)
        others = len(found.scorecard.lines) - _SHOWN
        if others > 0:
            err.print(f"And {counted(others, 'feature')} that matter less; `--json` has them.")
    _print_left_out(found)
    if found.unlabelled:
        err.print(f"{counted(found.unlabelled, 'row')} without a known outcome left out.")


def _print_left_out(found: Study) -> None:
    """Print which columns were not learned from, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for name, told in found.left_out.items():
        reason = _SAME if told.startswith(_SAME_AS) else told
        by_reason.setdefault(reason, []).append(f"`{name}`")
    for reason, names in by_reason.items():
        more = len(names) - _MOST_NAMES
        said = ", ".join(names[:_MOST_NAMES]) + (f" and {number(more)} more" if more > 0 else "")
        err.print(
            Text(f"{said} {'was' if len(names) == 1 else 'were'} left out. {reason}"),
            soft_wrap=True,
        )


def _print_figures(found: Study) -> None:
    learned = found.learned
    if learned is not None:
        err.print(
            f"Learned from {number(learned.rows)} rows ({number(learned.positives)} positive), "
            f"judged by {number(learned.judged_rows)} ({number(learned.judged_positives)}); "
            f"{learned.shape} lines, penalty {learned.penalty:.3g}.",
            soft_wrap=True,
        )
    table = Table("measure", "value", "95 of 100 draws", box=None, pad_edge=False)
    for name, words in _FIGURES.items():
        figure: Figure | None = getattr(found, name)
        if figure is not None:
            table.add_row(words, f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}")
    if table.row_count:
        out.print(table)
    if found.challenge is not None:
        _print_challenge(found.challenge)


def _print_challenge(found: Challenge) -> None:
    gap = found.better_by
    verdict = "Its steps are on the card." if found.promoted else "The lines stay."
    out.print(
        f"With steps by gradient boosting: AUC {found.roc_auc.value:.3f}, {gap.value:+.3f} "
        f"[{gap.low:+.3f}, {gap.high:+.3f}] beside lines alone. {verdict}",
        soft_wrap=True,
    )


def _given(line: Line) -> str:
    """Write the points of a few values, from the least to the most that are given.

    >>> _given(Line("seats", (1.0, 10.0, 50.0), (-8.0, 2.4, 30.0), 0.0, 9.5))
    '1: -8, 10: +2, 50: +30'
    """
    pairs = list(zip(line.at, line.give, strict=True))
    if pairs and isinstance(pairs[0][0], str):
        pairs.sort(key=lambda pair: pair[1])
        pairs = pairs if len(pairs) <= _MOST_VALUES else [*pairs[:2], *pairs[-2:]]
    elif len(pairs) > _MOST_VALUES:
        pairs = [pairs[0], pairs[len(pairs) // 2], pairs[-1]]
    return ", ".join(
        f"{value if isinstance(value, str) else number(value)}: {points:+.0f}"
        for value, points in pairs
    )


_MOST_VALUES = 4
