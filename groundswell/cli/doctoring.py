"""The command that checks a project: doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from groundswell.api.client import find_server
from groundswell.cli.app import FAILED, JsonOption, ProjectOption, app
from groundswell.cli.output import counted, err, out, print_json
from groundswell.engine.doctor.examining import examine

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@app.command()
def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the checks that read everything.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Check that the project is sound, and say what to do where it is not."""
    server = find_server(project)
    if server is None or server.address.intake_only:
        rows = examine(project, quick=quick)
    else:
        rows = server.doctor(quick=quick)
    failed = sum(row.status == "failed" for row in rows)
    if json:
        print_json(rows)
    else:
        table = Table("check", "", "what was found", "took", box=None, pad_edge=False)
        for row in rows:
            status = Text(row.status, style=_STYLES[row.status])
            told = f"{row.detail}\n{row.fix}" if row.fix else row.detail
            table.add_row(row.name, status, Text(told), f"{row.seconds:.1f} s")
        out.print(table)
        warned = sum(row.status == "warning" for row in rows)
        err.print(
            f"{counted(len(rows), 'check')}, {failed} failed, {counted(warned, 'warning')}."
            + (" Those that read everything were left out." if quick else "")
        )
    if failed:
        raise typer.Exit(FAILED)
