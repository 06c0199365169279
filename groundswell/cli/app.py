"""The `groundswell` command: its options in common, and how it fails.

Exit codes: 0 done, 1 failed, 2 bad configuration or usage, 3 done with rejected rows.
"""

from __future__ import annotations

import atexit
import gc
import sys
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.output import print_json, print_problems
from groundswell.errors import GroundswellError, Problem, UsageError

DONE, FAILED, BAD_USAGE, DONE_WITH_REJECTS = 0, 1, 2, 3

app = typer.Typer(
    name="groundswell",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback(help="Product events in, explained product-qualified leads out.")
def _together() -> None:
    """Keep a command a command when it is the only one that was imported."""


ProjectOption = Annotated[
    Path, typer.Option("--project", help="Folder that holds groundswell.yaml.", show_default="here")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="UTC day whose knowledge is used, as 2026-06-30."),
]


def parse_day(text: str | None) -> date | None:
    """Return the day a user wrote as YYYY-MM-DD, or None when none was given.

    Raises:
        UsageError: The text is no such day.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            Problem(
                code="usage-day",
                what=f"`{text}` is not a day.",
                fix="Write the UTC day as year-month-day, such as 2026-06-30.",
            )
        ) from None


COMMANDS = {
    "setting_up": ("init", "check", "schema", "explain-config"),
    "loading": ("load", "quarantine"),
    "answering": ("run", "accounts", "explain", "features", "alerts", "journal"),
    "handing": ("queue", "brief", "handoff", "simulate"),
    "delivering": ("deliveries", "destinations"),
    "offering": ("offer",),
    "filing": ("identity",),
    "serving": ("serve", "keys", "sources"),
    "signing_in": ("colleagues", "api-keys"),
    "tailing": ("tail",),
    "doctoring": ("doctor",),
    "studying": ("lab", "behaviours"),
    "proving": ("fit", "backtest", "compare", "drift"),
    "modelling": ("models",),
    "reporting": ("report", "whatif"),
    "disputing": ("commissions",),
    "forgetting": ("forget",),
    "retaining": ("retain",),
    "assisting": ("mcp",),
    "demonstrating": ("demo",),
}
"""Modules of commands; a module is imported when one of its commands is called, or for help."""


def import_commands(called: str | None = None) -> None:
    """Import the module of the command called, or all of them; each registers its own on `app`."""
    modules = [module for module, names in COMMANDS.items() if called in names]
    for module in modules or COMMANDS:
        import_module(f"groundswell.cli.{module}")


def main() -> None:
    """Run the command line; every error a user can meet ends here, in four fields."""
    gc.disable()  # what is imported stays: looking through it for garbage is half a second lost
    import_commands(next((word for word in sys.argv[1:] if not word.startswith("-")), None))
    gc.freeze()
    gc.enable()
    atexit.register(gc.disable)  # the process takes all with it
    try:
        app()
    except GroundswellError as error:
        if "--json" in sys.argv:
            print_json({"problems": [problem.as_dict() for problem in error.problems]})
        else:
            print_problems(error.problems)
        raise SystemExit(error.exit_code) from None
    finally:
        gc.unfreeze()  # else DuckDB's module says at the end that it leaks
