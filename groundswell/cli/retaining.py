"""The command that takes out what is older than it is kept for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, out, print_json


@app.command()
def retain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Take out what is older than `retention:` keeps it; the server does so every night."""
    with open_project(project) as opened:
        report = opened.retain(dry_run=dry_run)
    if json:
        print_json(report)
        return
    for name, day in report.before.items():
        out.print(f"{name} from {day} on are kept as they came")
    out.print(f"{counted(report.events, 'event')} said more than is counted by them")
    for table, rows in report.dropped.items():
        out.print(f"{counted(rows, 'row')} of {table} in the ledger")
    if not report.before:
        err.print("Nothing is configured: see `retention:`.")
    elif dry_run:
        err.print("Nothing was changed: that is what would go.")
