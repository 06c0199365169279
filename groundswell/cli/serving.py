"""Commands about live intake: serve, keys."""

from __future__ import annotations

import os

# Polars takes the many small steps of scoring what was touched faster alone than shared out.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from groundswell.api.hosting import DEFAULT_HOST, DEFAULT_PORT
from groundswell.api.intake_only import IntakeServer
from groundswell.cli.app import JsonOption, ProjectOption, app, parse_day
from groundswell.cli.opening import open_project, refuse_second_server
from groundswell.cli.output import err, number, out, print_json
from groundswell.clock import RunningClock
from groundswell.engine.keys import Keys
from groundswell.engine.replica import Replica
from groundswell.server import Server, log_to_stderr, serve_project

if TYPE_CHECKING:
    from groundswell.clock import Clock

keys = typer.Typer(help="Write keys, which sources send with.", no_args_is_help=True)
app.add_typer(keys, name="keys")

NOON = time(12)
NameArgument = Annotated[str, typer.Argument(help="Name of the source.")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(help="TCP port; 0 for a free one.")] = DEFAULT_PORT,
    run: Annotated[
        bool, typer.Option(help="Score accounts again when events came, as `run` does.")
    ] = True,
    intake_only: Annotated[
        bool,
        typer.Option(
            "--intake-only", help="Only keep requests in the shared ledger; open no warehouse."
        ),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Go on from noon of this UTC day as if it were now: for a history that has ended.",
        ),
    ] = None,
    project: ProjectOption = Path(),
) -> None:
    """Take in what client libraries send, score accounts as it comes, and show the pages."""
    log_to_stderr()
    if intake_only:
        with Replica.open(project) as replica:
            IntakeServer(replica).run(host=host, port=port)
        return
    refuse_second_server(project)
    clock = clock_of(parse_day(as_of))
    serve_project(project, host=host, port=port, clock=clock, runs=run, listening=say_way_in)


def clock_of(day: date | None) -> Clock | None:
    """Return a clock that goes on from noon of a day; None for the machine's own."""
    return None if day is None else RunningClock.from_instant(datetime.combine(day, NOON, UTC))


def say_way_in(server: Server, url: str) -> None:
    """Print where a browser begins; the first time, that makes the first admin."""
    way_in = server.way_in(url)
    first = way_in != url
    err.print(f"{'Make the first admin' if first else 'The pages'}: {way_in}", soft_wrap=True)


@keys.command()
def create(
    name: NameArgument,
    source: Annotated[str, typer.Option(help="System whose clients send: segment, posthog, ...")],
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Make a write key. It is shown this once."""
    with Keys.open(project) as opened:
        created = opened.create(name, source)
    if json:
        print_json(created)
    else:
        out.print(created.key)
        err.print(f"Keep it: only its digest is stored. {name} sends with it, as {source} does.")


@keys.command("list")
def list_(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List write keys by their last characters."""
    with Keys.open(project) as opened:
        found = opened.list()
    if json:
        print_json(found)
        return
    table = Table("name", "source", "key", "created", "revoked", box=None, pad_edge=False)
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        table.add_row(key.name, key.wire, f"...{key.hint}", f"{key.created_at:%Y-%m-%d}", revoked)
    out.print(table)


@keys.command()
def rotate(name: NameArgument, project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """Make a new write key for a source and revoke those before it."""
    with Keys.open(project) as opened:
        created = opened.rotate(name)
    if json:
        print_json(created)
    else:
        out.print(created.key)
        err.print(f"The keys that {name} had before are revoked.")


@keys.command()
def revoke(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Revoke every write key of a source."""
    with Keys.open(project) as opened:
        count = opened.revoke(name)
    err.print(f"{count} revoked; {name} can send no more.")


@app.command()
def sources(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List sources: last event, rate, what was rejected and what waits."""
    with open_project(project) as opened:
        found = opened.sources()
    if json:
        print_json(found)
        return
    columns = ("source", "sends as", "events", "last hour", "last event", "rejected", "waiting")
    table = Table(*columns, box=None, pad_edge=False)
    for state in found:
        last = f"{state.last_event_at:%Y-%m-%d %H:%M}" if state.last_event_at else "never"
        table.add_row(
            state.source,
            state.wire or "files",
            number(state.events),
            number(state.last_hour),
            last,
            number(state.rejected),
            number(state.waiting),
        )
    out.print(table)
