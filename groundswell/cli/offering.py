"""The command about what the product shows: offer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.opening import open_project
from groundswell.cli.output import err, out, print_json
from groundswell.model import OfferKind


@app.command()
def offer(
    account: Annotated[str, typer.Argument(help="Account id.")],
    user: Annotated[
        str | None, typer.Option(help="Leave out what this user of it has dismissed.")
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say which offer the product shows an account now, and which were tried before it."""
    with open_project(project) as opened:
        report = opened.offer(account_id=account, user_id=user)
    if json:
        print_json(report)
        return
    if report.offer is OfferKind.NONE:
        out.print(f"[bold]none[/bold]: {report.reason}")
    else:
        out.print(f"[bold]{report.offer}[/bold]: {report.sentence}")
    if not report.tried:
        return
    table = Table("tried", "offer", "why", box=None, pad_edge=False)
    for trace in report.tried:
        table.add_row(trace.name, str(trace.offer), trace.why)
    out.print(table)
    err.print(f"As of {report.as_of}.")
