"""Commands that bring records in: load, quarantine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from groundswell.cli.app import DONE_WITH_REJECTS, JsonOption, ProjectOption, app
from groundswell.cli.opening import open_project
from groundswell.cli.output import err, loading_bar, number, out, print_json
from groundswell.engine import LoadReport
from groundswell.errors import Problem, UsageError

quarantine = typer.Typer(
    help="Rows that could not be used: list, show, replay.", no_args_is_help=True
)
app.add_typer(quarantine, name="quarantine")

MapOption = Annotated[
    list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="Rename a column.")
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="csv, jsonl, parquet, segment, rudderstack, amplitude, mixpanel or posthog.",
    ),
]


def _parse_pairs(pairs: list[str]) -> dict[str, str]:
    parsed: dict[str, str] = {}
    for pair in pairs:
        ours, separator, theirs = pair.partition("=")
        if not (ours and separator and theirs):
            raise UsageError(
                Problem(
                    code="usage-map",
                    what=f"`--map {pair}` is not of the form ours=theirs.",
                    fix="Write for example `--map user_id=uid`.",
                )
            )
        parsed[ours] = theirs
    return parsed


@app.command()
def load(
    kind: Annotated[str, typer.Argument(help="events, users, memberships, accounts, ...")],
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Files or globs; none: the `sources:` of KIND."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="YAML file with `sources:` for these files.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of one entry of `sources:` to use.")
    ] = None,
    map_: MapOption = None,
    format_: FormatOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Load records from files or a database. Loading twice changes nothing."""
    with open_project(project) as opened, loading_bar() as bar:
        task = bar.add_task(f"{kind}", total=None)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        reports = opened.load(
            kind,
            files or [],
            mapping=mapping,
            source=source,
            maps=_parse_pairs(map_ or []),
            format=format_,
            progress=progress,
        )
    if json:
        print_json(reports)
    else:
        for report in reports:
            _print_report(report)
    if any(report.rejected for report in reports):
        raise typer.Exit(DONE_WITH_REJECTS)


def _print_report(report: LoadReport) -> None:
    out.print(
        f"{report.source}: {number(report.added)} new in {report.kind}, "
        f"{number(report.duplicates)} there already, {number(report.rejected)} quarantined "
        f"({report.seconds:.1f} s)"
    )
    if report.rejected:
        for code, count in report.reject_codes.items():
            err.print(f"  {number(count)} x {code}")
        err.print("  See `groundswell quarantine list`.")


@quarantine.command("list")
def list_rejects(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many rows.")] = 50,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """List quarantined rows with their reasons."""
    with open_project(project) as opened:
        rows = opened.rejects(source=source, limit=limit)
    if json:
        print_json(rows)
        return
    table = Table("id", "where", "reason", "fix", box=None, pad_edge=False)
    for row in rows:
        where = f"{row.reject.file}:{row.reject.line}" if row.reject.line else row.reject.file
        table.add_row(
            row.id[:10], where, f"{row.reject.reason} \\[{row.reject.code}]", row.reject.fix
        )
    out.print(table)


@quarantine.command("show")
def show_reject(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Its id, or the beginning of it.")],
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show one quarantined row as it stood."""
    with open_project(project) as opened:
        row = opened.reject(id_)
    if json:
        print_json(row)
        return
    reject = row.reject
    out.print(f"{reject.file}:{reject.line or '-'}  \\[{reject.code}]")
    out.print(f"  what  {reject.reason}\n  fix   {reject.fix}")
    if reject.sending:
        out.print(f"  came  {reject.sending.received_at:%Y-%m-%d %H:%M:%S} UTC")
    out.print()
    out.print(reject.raw, markup=False, soft_wrap=True)


@quarantine.command("replay")
def replay_rejects(
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="YAML file with `sources:`, mended.")] = None,
    map_: MapOption = None,
    format_: FormatOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Read quarantined rows again with the present mapping; those that pass are loaded."""
    with open_project(project) as opened:
        reports = opened.replay(
            source=source, mapping=mapping, maps=_parse_pairs(map_ or []), format=format_
        )
    if json:
        print_json(reports)
        return
    for report in reports:
        _print_report(report)
    if not reports:
        out.print("Nothing is quarantined.")
