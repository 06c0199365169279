"""Commands about who belongs where: identity merge, unmerge, links."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.opening import open_project
from groundswell.cli.output import err, out, print_json

identity = typer.Typer(help="Which account a user belongs to, and why.", no_args_is_help=True)
app.add_typer(identity, name="identity")

IntoOption = Annotated[str, typer.Option(help="The account that takes them in.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for whoever reads it later.")]


@identity.command()
def merge(
    account: Annotated[str, typer.Argument(help="Account id to merge.")],
    into: IntoOption,
    since: Annotated[
        str | None, typer.Option(help="UTC day it holds from; today if left out.")
    ] = None,
    reason: ReasonOption = "merged by hand",
    project: ProjectOption = Path(),
) -> None:
    """File an account's people and history under another account."""
    with open_project(project) as opened:
        opened.merge(account, into=into, since=parse_day(since), reason=reason)
    err.print(
        f"{account} is part of {into}. Undo: groundswell identity unmerge {account} --into {into}"
    )


@identity.command()
def unmerge(
    account: Annotated[str, typer.Argument(help="Account id that was merged.")],
    into: IntoOption,
    until: Annotated[str | None, typer.Option(help="UTC day it ends; today if left out.")] = None,
    reason: ReasonOption = "un-merged by hand",
    project: ProjectOption = Path(),
) -> None:
    """Undo a merge; the account stands for itself again from that day."""
    with open_project(project) as opened:
        opened.unmerge(account, into=into, until=parse_day(until), reason=reason)
    err.print(f"{account} stands for itself again.")


@identity.command()
def links(
    user: Annotated[str, typer.Argument(help="User id.")],
    as_of: AsOfOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Say which accounts a user belongs to, since when, and why."""
    with open_project(project) as opened:
        found = opened.links(user, as_of=parse_day(as_of))
    if json:
        print_json(found)
        return
    table = Table("account", "since", "until", "source", "why", box=None, pad_edge=False)
    for link in found:
        until = str(link.until.date()) if link.until else ""
        table.add_row(link.account_id, str(link.since.date()), until, link.source, link.reason)
    out.print(table)
