"""Commands that learn a definition of the score and prove it: fit, backtest, compare, drift."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.learning_options import (
    CapacityOption,
    HorizonOption,
    OutcomeOption,
    OutOption,
    SeedOption,
    WeeksOption,
    WhoOption,
    check_out,
    outcome_or_none,
    whoever,
    with_interval,
    write_out,
)
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, number, out, print_json
from groundswell.cli.studying import print_study
from groundswell.engine.lab import Backtest, Comparison, FitReport, Group, Mover, Watch
from groundswell.errors import Problem, UsageError

DefinitionArgument = Annotated[
    str,
    typer.Argument(
        help="current, hand-made, hybrid, points, buckets, a version, or a YAML file of its own."
    ),
]
_MOVERS = 10
_MOVED = 8


@app.command()
def fit(
    outcome: OutcomeOption = None,
    horizon: HorizonOption = None,
    weeks: Annotated[
        int | None, typer.Option(min=8, max=520, help="Weekly snapshots; default: as configured.")
    ] = None,
    seed: SeedOption = 0,
    challenger: Annotated[
        bool, typer.Option("--challenger", help="Try steps by gradient boosting too (extra `lab`).")
    ] = False,
    scorecard: Annotated[
        Path | None, typer.Option(help="Write the draft to this YAML file, to read and edit.")
    ] = None,
    as_of: AsOfOption = None,
    who: WhoOption = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Learn a definition of the score from your own outcomes, and keep it as a draft."""
    check_out(out_file)
    asked, day = outcome_or_none(outcome), parse_day(as_of)
    with open_project(project) as opened:
        found = opened.lab.fit(
            outcome=asked,
            horizon=horizon,
            weeks=weeks,
            seed=seed,
            challenger=challenger,
            as_of=day,
            who=whoever(who),
        )
    if scorecard is not None and found.definition is not None:
        _write(scorecard, found.definition)
    write_out(found.study, out_file, title=f"Learned from outcomes: {found.outcome}")
    if json:
        print_json(found)
    else:
        _print_fit(found, scorecard)


@app.command()
def backtest(
    definition: DefinitionArgument = "current",
    outcome: OutcomeOption = None,
    horizon: HorizonOption = None,
    weeks: WeeksOption = 52,
    capacity: CapacityOption = None,
    seed: SeedOption = 0,
    as_of: AsOfOption = None,
    as_known: Annotated[
        bool,
        typer.Option("--as-known", help="Leave out, in each week, events that arrived after it."),
    ] = False,
    who: WhoOption = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say how a definition would have done, every week of the past, by what came after."""
    check_out(out_file)
    asked, day = outcome_or_none(outcome), parse_day(as_of)
    with open_project(project) as opened:
        found = opened.lab.backtest(
            definition,
            outcome=asked,
            horizon=horizon,
            weeks=weeks,
            capacity=capacity,
            seed=seed,
            as_of=day,
            as_known=as_known,
            who=whoever(who),
        )
    write_out(found, out_file, title=f"Backtest of {found.version}")
    if json:
        print_json(found)
    else:
        _print_backtest(found)


@app.command()
def compare(
    first: DefinitionArgument,
    second: DefinitionArgument,
    outcome: OutcomeOption = None,
    horizon: HorizonOption = None,
    weeks: WeeksOption = 52,
    capacity: CapacityOption = None,
    seed: SeedOption = 0,
    as_of: AsOfOption = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Compare two definitions: who enters, who leaves, what is won and lost."""
    check_out(out_file)
    asked, day = outcome_or_none(outcome), parse_day(as_of)
    with open_project(project) as opened:
        found = opened.lab.compare(
            first,
            second,
            outcome=asked,
            horizon=horizon,
            weeks=weeks,
            capacity=capacity,
            seed=seed,
            as_of=day,
        )
    title = f"{found.first.version} and {found.second.version}"
    write_out(found, out_file, title=title)
    if json:
        print_json(found)
    else:
        _print_comparison(found)


@app.command()
def drift(
    definition: DefinitionArgument = "current",
    since: Annotated[
        str | None,
        typer.Option(help="As of when; by default when learning ended, or half a year ago."),
    ] = None,
    as_of: AsOfOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say whether a definition still holds: what has moved, and how it does lately."""
    begun, day = parse_day(since), parse_day(as_of)
    with open_project(project) as opened:
        found = opened.lab.drift(definition, since=begun, as_of=day)
    if json:
        print_json(found)
    else:
        _print_drift(found)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            Problem(
                code="out-file",
                what=f"The file cannot be written: {error}.",
                fix="Name a file in a folder that is there, and that you may write to.",
            )
        ) from None


def _print_fit(found: FitReport, scorecard: Path | None) -> None:
    print_study(found.study)
    if found.learned_from is not None and found.judged_from is not None:
        err.print(
            f"Snapshots of {counted(found.accounts, 'account')} from {found.learned_from} to "
            f"{found.learned_to} were learned from, those from {found.judged_from} to "
            f"{found.judged_to} judge; `{found.outcome}` within {found.horizon} days.",
            soft_wrap=True,
        )
    if found.version is None:
        return
    kept = "a new draft" if found.new else "a draft that was there already"
    out.print(f"[bold]{found.version}[/bold] is {kept}; nothing is scored by it yet.")
    shown = f"groundswell models show {found.version}" if scorecard is None else str(scorecard)
    out.print(
        f"Read it: `{shown}`. Prove it: `groundswell backtest {found.version}`. Compare it: "
        f"`groundswell compare current {found.version}`. Then: "
        f"`groundswell models publish {found.version} --reason WHY`.",
        soft_wrap=True,
    )


def _print_backtest(found: Backtest) -> None:
    out.print(
        f"[bold]{found.version}[/bold]: `{found.outcome}` within {found.horizon} days, "
        f"{counted(found.weeks, 'week')} from {found.first} to {found.last}; it came to "
        f"{number(found.came)} of {counted(found.accounts, 'account')}.",
        soft_wrap=True,
    )
    if found.left_out:
        err.print(
            f"{counted(found.left_out, 'week')} before are left out: the definition learned from "
            "them.",
            soft_wrap=True,
        )
    out.print(_figures(found))
    out.print()
    _print_tenths(found)
    err.print(_footnotes(found), soft_wrap=True)


def _figures(found: Backtest) -> Table:
    table = Table("measure", "value [95 of 100 draws]", box=None, pad_edge=False)
    queue = found.at_capacity
    rows = [
        ("AUC", with_interval(found.roc_auc)),
        ("average precision", with_interval(found.average_precision)),
        ("Brier score", with_interval(found.brier, digits=4)),
        ("calibration error", with_interval(found.ece, digits=4)),
        ("lift of the top tenth", with_interval(found.top_decile_lift, digits=1)),
        (
            f"precision at {found.capacity} a week",
            f"{with_interval(queue.precision, percent=True)}, reaches {queue.reached:.0%} of them",
        ),
        ("qualified: conversion", _group(found.qualified)),
        ("the rest: conversion", _group(found.rest)),
        ("times as often", with_interval(found.conversion_ratio, digits=1)),
        ("times as much a year", with_interval(found.acv_ratio, digits=2)),
        ("qualified before it came", f"{found.reached:.0%}"),
        ("days from qualifying to it", _lead(found)),
        (
            "capacity used",
            f"{found.used:.0%}; {found.overflow:.0%} of who qualified was beyond it",
        ),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _group(group: Group) -> str:
    acv = f", {with_interval(group.acv, digits=0)} a year each" if group.acv else ""
    said = with_interval(group.conversion, percent=True)
    return f"{said} of {counted(group.accounts, 'account')}{acv}"


def _lead(found: Backtest) -> str:
    lead = found.lead
    if lead is None:
        return "not known"
    return f"{lead.median:.0f} (half of them {lead.low:.0f} to {lead.high:.0f})"


def _print_tenths(found: Backtest) -> None:
    table = Table("tenth", "said", "came", "lift", "reached", box=None, pad_edge=False)
    for place, band in enumerate(found.tenths, start=1):
        said = "" if band.expected is None else f"{band.expected:.1%}"
        table.add_row(
            f"{place}", said, f"{band.observed:.1%}", f"{band.lift:.1f}", f"{band.gain:.0%}"
        )
    out.print(table)


def _footnotes(found: Backtest) -> str:
    notes = (
        "Tenths of all accounts, week by week, from the highest scores down. An account taken up "
        "is not taken again for four weeks."
    )
    if found.borrowed_chance:
        notes += (
            " The definition says no chance: that of the same scores among other accounts was "
            "taken."
        )
    return notes


def _print_comparison(found: Comparison) -> None:
    first, second = found.first, found.second
    table = Table("measure", first.version, second.version, box=None, pad_edge=False)
    for name, digits in (
        ("roc_auc", 3),
        ("average_precision", 3),
        ("brier", 4),
        ("ece", 4),
        ("top_decile_lift", 1),
    ):
        table.add_row(
            _NAMES[name],
            with_interval(getattr(first, name), digits=digits),
            with_interval(getattr(second, name), digits=digits),
        )
    for words, one, other in (
        (
            f"precision at {first.capacity} a week",
            with_interval(first.at_capacity.precision, percent=True),
            with_interval(second.at_capacity.precision, percent=True),
        ),
        ("qualified: conversion", _group(first.qualified), _group(second.qualified)),
        ("qualified before it came", f"{first.reached:.0%}", f"{second.reached:.0%}"),
    ):
        table.add_row(words, one, other)
    out.print(
        f"`{first.outcome}` within {first.horizon} days, {counted(first.weeks, 'week')} from "
        f"{first.first} to {first.last}.",
        soft_wrap=True,
    )
    out.print(table)
    out.print()
    out.print(
        f"The second less the first: AUC {with_interval(found.auc_gain)}, precision "
        f"{with_interval(found.precision_gain, percent=True)}.",
        soft_wrap=True,
    )
    out.print(
        f"With {number(first.capacity)} accounts a week: {number(found.both.accounts)} that both "
        f"would have reached, [green]{number(found.won.accounts)} won[/green] "
        f"({number(found.won.acv)} a year) and [red]{number(found.lost.accounts)} lost[/red] "
        f"({number(found.lost.acv)} a year).",
        soft_wrap=True,
    )
    _print_movers(found.entering, f"Entering the list of {found.as_of}")
    _print_movers(found.leaving, f"Leaving the list of {found.as_of}")


_NAMES = {
    "roc_auc": "AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "ece": "calibration error",
    "top_decile_lift": "lift of the top tenth",
}


def _print_movers(movers: tuple[Mover, ...], title: str) -> None:
    if not movers:
        return
    out.print()
    out.print(f"[bold]{title}[/bold]  {counted(len(movers), 'account')}")
    table = Table("account", "place", "score", "why", box=None, pad_edge=False)
    for mover in movers[:_MOVERS]:
        table.add_row(
            Text(mover.name or mover.account_id),
            f"{number(mover.place_before)} to {number(mover.place_after)}",
            f"{mover.before:.0f} to {mover.after:.0f}",
            Text("; ".join(mover.reasons)),
        )
    out.print(table)
    if len(movers) > _MOVERS:
        err.print(f"And {len(movers) - _MOVERS} more; `--json` has them.")


def _print_drift(found: Watch) -> None:
    out.print(f"[bold]{found.version}[/bold]: {found.as_of} beside {found.since}.")
    table = Table("feature", "PSI", "warns above", box=None, pad_edge=False)
    for item in (found.score, *found.features[:_MOVED]):
        style = "yellow" if item.warns else ""
        table.add_row(
            Text(item.feature, style=style), Text(f"{item.psi:.3f}", style), f"{item.line:.3f}"
        )
    out.print(table)
    out.print(
        f"Converted after qualifying: lately {with_interval(found.lately, percent=True)}, before "
        f"{with_interval(found.before, percent=True)}.",
        soft_wrap=True,
    )
    for warning in found.warnings:
        out.print(Text(warning, style="yellow"), soft_wrap=True)
    if not found.warnings:
        out.print("[green]It holds.[/green]")
