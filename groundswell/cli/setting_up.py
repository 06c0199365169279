"""Commands about the configuration: init, check, schema, explain-config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.output import err, out, print_json
from groundswell.config.explaining import explain_config
from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.schema import config_schema
from groundswell.config.template import starting_config
from groundswell.engine.checking import check_project
from groundswell.errors import Place, Problem, UsageError


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make the project in.")] = Path(),
    company: Annotated[str, typer.Option(help="Your company's name.")] = "Your company",
) -> None:
    """Write a short, commented groundswell.yaml."""
    path = folder / CONFIG_FILE
    if path.exists():
        raise UsageError(
            Problem(
                code="project-exists",
                what=f"{path} is there already.",
                fix="Edit it, or name another folder: `groundswell init FOLDER`.",
                where=Place(str(path)),
            )
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(starting_config(company), encoding="utf-8")
    err.print(f"Wrote {path}. Next: map your events in it, then `groundswell check`.")


@app.command()
def check(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """Check groundswell.yaml, and that webhooks have their secrets; tells every mistake at once."""
    loaded = check_project(project, os.environ)
    if json:
        print_json({"problems": []})
        return
    out.print(
        f"{project / CONFIG_FILE} is fine: {len(loaded.meanings)} event mappings, "
        f"{len(loaded.features)} features, score {loaded.score.version}, "
        f"{len(loaded.motions)} motion rules."
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of groundswell.yaml, for editors."""
    print_json(config_schema())


@app.command(name="explain-config")
def explain_configuration(
    path: Annotated[
        str | None, typer.Argument(help="Only keys that begin so, such as score.usage.")
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show each effective value and where it came from."""
    loaded = load_config(project / CONFIG_FILE)
    rows = [row for row in explain_config(loaded) if path is None or row.path.startswith(path)]
    if json:
        print_json(rows)
        return
    table = Table("key", "value", "from", box=None, pad_edge=False)
    for row in rows:
        value = "(not set)" if row.value is None else str(row.value)
        table.add_row(row.path, value, row.origin)
    out.print(table)
