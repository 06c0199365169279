"""The `groundswell` command: its options in common, and how it fails.

Exit codes: 0 done, 1 failed, 2 bad configuration or usage, 3 done with rejected rows.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.output import print_json, print_problems
from groundswell.errors import GroundswellError

DONE, FAILED, BAD_USAGE, DONE_WITH_REJECTS = 0, 1, 2, 3

app = typer.Typer(
    name="groundswell",
    help="Product events in, explained product-qualified leads out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

ProjectOption = Annotated[
    Path, typer.Option("--project", help="Folder that holds groundswell.yaml.", show_default="here")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="UTC day whose knowledge is used, as 2026-06-30."),
]


def import_commands() -> None:
    """Import every module of commands; each registers its own on `app`."""
    for name in ("setting_up", "loading", "answering", "filing", "demonstrating"):
        import_module(f"groundswell.cli.{name}")


def main() -> None:
    """Run the command line; every error a user can meet ends here, in four fields."""
    import_commands()
    try:
        app()
    except GroundswellError as error:
        if "--json" in sys.argv:
            print_json({"problems": [problem.as_dict() for problem in error.problems]})
        else:
            print_problems(error.problems)
        raise SystemExit(error.exit_code) from None
