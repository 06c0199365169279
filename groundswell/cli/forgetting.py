"""The command for people who ask what is known of them, or to be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, out, print_json

if TYPE_CHECKING:
    from groundswell.engine.forgetting.forgetting import ForgetReport


@app.command()
def forget(
    user: Annotated[str, typer.Argument(help="Their user id, or their e-mail address.")],
    export: Annotated[
        bool,
        typer.Option("--export", help="Print all that is known of them as JSON; erase nothing."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be erased, and erase nothing.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Erase a person: what accounts are counted by stays, under a random name."""
    with open_project(project) as opened:
        if export:
            print_json(opened.export_person(user))
            return
        report = opened.forget(user, dry_run=dry_run)
    if json:
        print_json(report)
    else:
        _print(report)


def _print(report: ForgetReport) -> None:
    if not report.known:
        err.print("They were forgotten before." if report.before else "Nothing is known of them.")
        return
    for place, tables in (("warehouse", report.warehouse), ("ledger", report.ledger)):
        for table, rows in tables.items():
            out.print(f"{counted(rows, 'row')} of {table} in the {place}")
    for name in report.files:
        out.print(f"the kept file {name}")
    err.print(
        "Nothing was erased: that is what would be."
        if report.dry_run
        else f"They are forgotten; what is counted stays under {report.pseudonym}."
    )
