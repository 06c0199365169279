"""Commands that say what came of it: report, whatif."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.learning_options import OutOption, check_out
from groundswell.cli.opening import open_project
from groundswell.cli.output import err, out, print_json
from groundswell.clock import SystemClock
from groundswell.config.loading import load_config
from groundswell.engine.measuring.weekly import Figures
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from groundswell.web.document import Report

report = typer.Typer(no_args_is_help=True, help="What came of it: numbers and reports.")
app.add_typer(report, name="report")

DaysOption = Annotated[int, typer.Option(min=1, max=1100, help="Days that are looked at.")]
LimitOption = Annotated[int, typer.Option(min=1, help="Rows that are shown.")]
MotionOption = Annotated[str | None, typer.Option(help="Only of this motion.")]


@report.command()
def weekly(
    as_of: AsOfOption = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say what moved in the week, what each motion brings, and what people said."""
    check_out(out_file)
    with open_project(project) as opened:
        found = opened.measuring.weekly(as_of=parse_day(as_of))
    if json:
        print_json(found)
        return
    from groundswell.web.weekly_report import report_weekly  # noqa: PLC0415 - drawing

    _write(report_weekly(found, title=f"Weekly report, {found.as_of}"), out_file)


@report.command()
def send(
    to: Annotated[
        list[str] | None,
        typer.Option(help="A destination; may be given several times. Those of `reports:` if not."),
    ] = None,
    as_of: AsOfOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print it, and send nothing.")] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Send the weekly report to destinations that take messages; once for each week and each."""
    from groundswell.web.report_message import weekly_key, weekly_message  # noqa: PLC0415 - drawing

    configured = load_config(project).weekly
    names = to or (list(configured.to) if configured else [])
    if not names and not dry_run:
        fix = "Name one with `--to`, or write `reports: {weekly: {to: [...]}}`."
        raise UsageError(Problem("report-to-nobody", "It is sent to nobody.", fix))
    with open_project(project) as opened:
        found = opened.measuring.weekly(as_of=parse_day(as_of))
        message = weekly_message(found, at=SystemClock().now())
        if dry_run:
            out.print(message.text, markup=False, highlight=False)
            return
        added = opened.handoffs.post(weekly_key(found.as_of), names, message)
    if json:
        print_json({"as_of": found.as_of, "to": names, "added": added})
        return
    was = "" if added == len(names) else f", {len(names) - added} had it already"
    err.print(f"The week to {found.as_of} waits in the outbox for {added}{was}.")


def _add(name: str, writer: str, said: str) -> None:
    """Add a report that asks for nothing but a day.

    Args:
        name: Of the command, and of the method of `Measuring`.
        writer: The module of `groundswell.web` that writes it, and its function.
        said: What the report says.
    """

    @report.command(name, help=said)
    def command(
        as_of: AsOfOption = None,
        out_file: OutOption = None,
        project: ProjectOption = Path(),
        json: JsonOption = False,
    ) -> None:
        check_out(out_file)
        with open_project(project) as opened:
            found = getattr(opened.measuring, name)(as_of=parse_day(as_of))
        if json:
            print_json(found)
            return
        # Drawing takes a second to import.
        _write(resolve_name(f"groundswell.web.{writer}")(found), out_file)


_add(
    "quarterly",
    "quarterly_report:report_quarterly",
    "Put together what product and sales look at once a quarter, and have to agree on.",
)
_add(
    "monthly",
    "monthly_report:report_monthly",
    "Say how the sign-ups of each month and the customers of each quarter came along.",
)
_add(
    "payback",
    "advice_report:write_payback",
    "Say when salespeople have paid for themselves, with PQLs to work and without.",
)
_add(
    "pricing",
    "advice_report:write_pricing",
    "Say where the price list and the motions, limits and accounts part.",
)
_add(
    "overlay",
    "overlay_report:write_overlay",
    "Say whether self-serve needs sales beside it, which layer, and what would change that.",
)
_add(
    "mistakes",
    "advice_report:write_mistakes",
    "Say which mistakes of selling beside self-serve are seen in your data.",
)
_add(
    "feedback",
    "feedback_report:report_feedback",
    "Say what usage tells sales, and what sales and support tell product.",
)


@report.command()
def attribution(
    quarter: Annotated[
        str | None, typer.Option(help="Such as 2026-Q2.", show_default="that of the day")
    ] = None,
    what_if: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other rules, under `attribution:`.")
    ] = None,
    receipts: Annotated[
        bool, typer.Option("--receipts", help="Say of each gain what decided it.")
    ] = False,
    as_of: AsOfOption = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say where each new or expanded dollar came from, by rules locked for its quarter."""
    check_out(out_file)
    with open_project(project) as opened:
        found = opened.measuring.attribution(
            quarter=quarter,
            what_if=str(what_if) if what_if else None,
            receipts=receipts,
            as_of=parse_day(as_of),
        )
    if json:
        print_json(found)
        return
    from groundswell.web.attribution_report import write_attribution  # noqa: PLC0415 - drawing

    _write(write_attribution(found), out_file)


@report.command()
def commissions(
    month: Annotated[
        str | None, typer.Option(help="Such as 2026-05.", show_default="that of the day")
    ] = None,
    rep: Annotated[str | None, typer.Option(help="The address of one rep.")] = None,
    as_of: AsOfOption = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say what each rep is paid for a month, line by line, and whether the plan works."""
    check_out(out_file)
    with open_project(project) as opened:
        found = opened.measuring.commissions(month=month, rep=rep, as_of=parse_day(as_of))
    if json:
        print_json(found)
        return
    from groundswell.web.commission_report import write_commissions  # noqa: PLC0415 - drawing

    _write(write_commissions(found), out_file)


@report.command()
def uplift(
    as_of: AsOfOption = None,
    exposure: Annotated[
        bool, typer.Option("--exposure", help="The log instead: who was in which arm, and when.")
    ] = False,
    limit: LimitOption = 50,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say whether contact helps, by the accounts that are held out."""
    check_out(out_file)
    day = parse_day(as_of)
    if exposure:
        with open_project(project) as opened:
            rows = opened.measuring.exposure(as_of=day)
        _print_exposure(rows, limit, json=json)
        return
    with open_project(project) as opened:
        found = opened.measuring.uplift(as_of=day)
    if json:
        print_json(found)
        return
    from groundswell.web.uplift_report import report_uplift  # noqa: PLC0415 - drawing

    _write(report_uplift(found), out_file)


def _print_exposure(rows: Sequence[Mapping[str, object]], limit: int, *, json: bool) -> None:
    if json:
        print_json(rows)
        return
    if not rows:
        err.print("Nobody is held out: set `guardrails.holdout`.", soft_wrap=True)
        return
    table = Table("account", "day", "arm", "contacted")
    for row in rows[:limit]:
        arm = str(row["arm"]).replace("_", " ")
        contacted = "yes" if row["contacted"] else ""
        table.add_row(str(row["account_id"]), str(row["day"]), arm, contacted)
    out.print(table)
    _say_rest(rows, limit)


def _say_rest(rows: Sequence[object], limit: int) -> None:
    if len(rows) > limit:
        out.print(f"{len(rows) - limit:,} more; --limit shows them, --json prints all.")


def _write(written: Report, out_file: Path | None) -> None:
    """Print a report, or write it to a file."""
    # Drawing takes a second to import.
    from groundswell.web.document import to_text  # noqa: PLC0415
    from groundswell.web.lab_report import write_document  # noqa: PLC0415

    if out_file is None:
        out.print(escape(to_text(written)), soft_wrap=True)
        return
    err.print(f"Written: {write_document(written, out_file)[0]}.", soft_wrap=True)


@report.command()
def metrics(
    name: Annotated[
        str | None, typer.Argument(help="One metric: the accounts behind it.", show_default="all")
    ] = None,
    as_of: AsOfOption = None,
    days: DaysOption = 91,
    motion: MotionOption = None,
    limit: LimitOption = 50,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show every metric with its interval and its change, or the rows behind one."""
    day = parse_day(as_of)
    if name is not None:
        with open_project(project) as opened:
            rows = opened.measuring.behind(name, as_of=day, days=days, motion=motion)
        _print_rows(rows, limit, json=json)
        return
    with open_project(project) as opened:
        found = opened.measuring.figures(as_of=day, days=days)
    if json:
        print_json(found)
        return
    _print_figures(found)


@app.command()
def whatif(
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key that is set otherwise; several."),
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Another groundswell.yaml.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day that is decided on again.")
    ] = None,
    as_of: AsOfOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say what would be with other thresholds, prices, reps or guardrails."""
    with open_project(project) as opened:
        found = opened.measuring.what_if(
            policy=str(policy) if policy else None,
            settings=settings or (),
            since=parse_day(since),
            as_of=parse_day(as_of),
        )
    if json:
        print_json(found)
        return
    from groundswell.web.whatif_report import report_what_if  # noqa: PLC0415 - drawing

    _write(report_what_if(found), None)


def _print_figures(found: Figures) -> None:
    from groundswell.web.weekly_report import (  # noqa: PLC0415 - drawing takes a second to import
        write_change,
        write_estimate,
    )

    table = Table(title=f"{found.first} to {found.last}")
    for head in ("metric", "motion", "value", "change", "of the days"):
        table.add_column(head, overflow="fold")
    for one in found.figures:
        unit = found.definitions[one.metric].unit
        table.add_row(
            one.metric,
            one.motion or "",
            write_estimate(one.estimate, unit) if not one.missing else f"[dim]{one.missing}[/dim]",
            write_change(one.change, unit),
            f"{one.first} to {one.last}",
        )
    out.print(table)


def _print_rows(rows: Sequence[Mapping[str, object]], limit: int, *, json: bool) -> None:
    if json or not rows:
        print_json(rows)
        return
    shown = [name for name, value in rows[0].items() if name in _WHO or _is_day(value)]
    table = Table()
    for column in (*shown, "counted"):
        table.add_column(column, overflow="fold")
    for row in rows[:limit]:
        table.add_row(
            *("" if row[name] is None else str(row[name]) for name in (*shown, "counted"))
        )
    out.print(table)
    _say_rest(rows, limit)


_WHO = frozenset({"metric", "account_id", "rep", "motion", "category"})


def _is_day(value: object) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and bool(_DAY.match(value)))


_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
