"""Commands about lines of commission: what is disputed, and how it is answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.opening import open_project
from groundswell.cli.output import err, out, print_json
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from groundswell.engine.measuring.disputes import Dispute

commissions = typer.Typer(
    help="Lines of commission: disputed, and answered. `report commissions` shows them.",
    no_args_is_help=True,
)
app.add_typer(commissions, name="commissions")

LineArgument = Annotated[
    str, typer.Argument(metavar="LINE", help="As the statement names it, such as acme@2026-05-12.")
]
ByOption = Annotated[str, typer.Option("--by", metavar="E-MAIL", help="Who does it.")]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="In their own words.")]


@commissions.command()
def dispute(
    line: LineArgument,
    by: ByOption,
    why: WhyOption,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="REP", help="Whose it is, or `nobody`.", show_default="--by"),
    ] = None,
    share: Annotated[
        str | None, typer.Option(help="Which share, such as 50%.", show_default="all of it")
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Dispute a line: its commission is held until somebody answers."""
    with open_project(project) as opened:
        found = opened.disputes.open(line, by=by, why=why, to=to, share=share)
    _print([found], json=json, one=True)


@commissions.command()
def answer(
    line: LineArgument,
    by: ByOption,
    why: WhyOption,
    upheld: Annotated[
        bool, typer.Option("--upheld", help="The line changes from today on.")
    ] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="It stays as it is.")] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="REP", help="Who is paid, or `nobody`.", show_default="as claimed"
        ),
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            help="For which share, such as 50%; who had it keeps the rest.",
            show_default="as claimed",
        ),
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Answer the dispute of a line: it is upheld or rejected, and paid from today on."""
    if upheld == rejected:
        raise UsageError(
            Problem(
                "usage-answer",
                "It does not say how the dispute ends.",
                "Give one of `--upheld` and `--rejected`.",
            )
        )
    with open_project(project) as opened:
        found = opened.disputes.answer(line, upheld=upheld, by=by, why=why, to=to, share=share)
    _print([found], json=json, one=True)


@commissions.command()
def disputes(
    unanswered: Annotated[
        bool, typer.Option("--open", help="Only those that nobody has answered.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """List the disputes of lines, in the order in which they were opened."""
    with open_project(project) as opened:
        found = opened.disputes.kept(unanswered=unanswered)
    _print(found, json=json)


def _print(found: list[Dispute], *, json: bool, one: bool = False) -> None:
    if json:
        print_json(found[0] if one else found)
        return
    if not found:
        err.print("Nobody disputes a line.")
        return
    from groundswell.web.commission_report import write_dispute  # noqa: PLC0415 - drawing

    for told in found:
        out.print(escape(write_dispute(told)), soft_wrap=True)
