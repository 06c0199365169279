"""Commands about versions of the score: models and what is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.learning_options import WhoOption, whoever
from groundswell.cli.opening import open_project
from groundswell.cli.output import err, out, print_json
from groundswell.engine.registry import Model

models = typer.Typer(
    help="Versions of the score: which there are, which is in use, and what is known of each.",
    no_args_is_help=True,
)
app.add_typer(models, name="models")

VersionArgument = Annotated[str, typer.Argument(help="The version, or the beginning of it.")]
_STYLES = {"published": "bold green", "draft": "yellow", "shadow": "cyan", "retired": "dim"}


@models.command(name="list")
def list_(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List every version of the score, in the order in which they appeared."""
    with open_project(project) as opened:
        found = opened.lab.versions()
    if json:
        print_json(found)
        return
    table = Table("version", "status", "AUC", "backtests", "last", box=None, pad_edge=False)
    for model in found:
        last = model.moves[-1]
        table.add_row(
            model.version,
            Text(model.status, style=_STYLES.get(model.status, "")),
            _auc(model),
            str(len(model.backtests)),
            f"{last.what} {last.at:%Y-%m-%d} by {last.who}",
        )
    out.print(table)


@models.command()
def show(
    version: VersionArgument, project: ProjectOption = Path(), json: JsonOption = False
) -> None:
    """Print a version: its definition as YAML, and what happened to it."""
    with open_project(project) as opened:
        model = opened.lab.version(version)
    if json:
        print_json(model)
        return
    out.print(model.definition, markup=False, soft_wrap=True)
    for move in model.moves:
        why = f": {move.reason}" if move.reason else ""
        err.print(Text(f"{move.at:%Y-%m-%d %H:%M} {move.what} by {move.who}{why}"))


@models.command()
def add(
    file: Annotated[Path, typer.Argument(help="A definition as YAML, such as `show` prints.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Keep a definition from a file as a draft."""
    with open_project(project) as opened:
        model = opened.lab.add(file, who=whoever(who), reason=reason)
    _told(model, json=json)


@models.command()
def publish(
    version: VersionArgument,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Though its backtest found no more than chance.")
    ] = False,
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Let a version score from now on; it must have been backtested."""
    with open_project(project) as opened:
        model = opened.lab.publish(version, who=whoever(who), reason=reason, anyway=anyway)
    _told(model, json=json)
    err.print("It scores where groundswell.yaml says `score: {preset: fitted}`.", soft_wrap=True)


@models.command()
def rollback(
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Publish again what was published before the present version."""
    with open_project(project) as opened:
        model = opened.lab.roll_back(who=whoever(who), reason=reason)
    _told(model, json=json)


@models.command()
def retire(
    version: VersionArgument,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Take a version out of use; without a published one the hand-made score holds."""
    with open_project(project) as opened:
        model = opened.lab.retire(version, who=whoever(who), reason=reason)
    _told(model, json=json)


@models.command()
def challenge(
    as_of: AsOfOption = None,
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Learn this week's challenger, and judge those of weeks whose horizon is over."""
    day = parse_day(as_of)
    with open_project(project) as opened:
        found = opened.lab.challenge(as_of=day, who=whoever(who))
    if json:
        print_json(found)
    else:
        out.print(Text(found.message), soft_wrap=True)


def _auc(model: Model) -> str:
    figures = model.backtests[-1] if model.backtests else model.facts.get("figures", {})
    auc = figures.get("roc_auc")
    return f"{auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]" if auc else ""


def _told(model: Model, *, json: bool) -> None:
    if json:
        print_json(model)
    else:
        style = _STYLES.get(model.status, "")
        out.print(Text(model.version, style="bold"), "is", Text(model.status, style=style))
