"""The command for assistants: mcp."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from groundswell.cli.app import ProjectOption, app
from groundswell.cli.opening import open_project
from groundswell.errors import MissingExtraError
from groundswell.server import log_to_stderr


@app.command()
def mcp(
    who: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="E-MAIL",
            help="The colleague it works for: it sees what they see on the pages. "
            "Left out, it sees everything.",
        ),
    ] = None,
    allow_writes: Annotated[
        bool,
        typer.Option("--allow-writes", help="Let it work handoffs too, in the name of `--as`."),
    ] = False,
    project: ProjectOption = Path(),
) -> None:
    """Serve an assistant: tools of the Model Context Protocol, over standard input and output."""
    try:
        from groundswell.mcp import Assistant, make_server  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise MissingExtraError("mcp", needed_for="Serving an assistant") from None
    log_to_stderr()  # standard output is the protocol's
    assistant = Assistant(partial(open_project, project), who)
    make_server(assistant, writes=allow_writes).run()
