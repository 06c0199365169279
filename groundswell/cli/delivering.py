"""Commands about what is sent to other systems: deliveries and destinations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.markup import escape
from rich.table import Table

from groundswell.cli.app import FAILED, JsonOption, ProjectOption, app
from groundswell.cli.learning_options import WhoOption, whoever
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, number, out, print_json
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.store.outbox import UNSETTLED, DeliveryStatus

if TYPE_CHECKING:
    from groundswell.api.handoffs_client import HandoffsClient
    from groundswell.connectors.deliveries import Change
    from groundswell.engine.dispatching import Dispatched
    from groundswell.engine.handing.handoffs import Handoffs

deliveries = typer.Typer(
    help="What is sent to other systems: what waits, what arrived, what cannot be sent and why.",
    no_args_is_help=True,
)
app.add_typer(deliveries, name="deliveries")
destinations = typer.Typer(
    help="Where decisions are sent: how each is doing, and whether it would take them.",
    no_args_is_help=True,
)
app.add_typer(destinations, name="destinations")

DestinationArgument = Annotated[str, typer.Argument(help="Its name in `destinations:`.")]
DestinationOption = Annotated[
    str | None, typer.Option("--destination", help="Only to this destination.")
]


@deliveries.command(name="list")
def list_(
    destination: DestinationOption = None,
    status: Annotated[
        str | None,
        typer.Option(help="waiting, sending, sent, unchanged, superseded or dead."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """List deliveries, the newest first, with when each is due or the reason it was not sent."""
    asked = _status(status)
    with open_project(project) as opened:
        found = opened.handoffs.deliveries(
            destination=destination, status=asked, account=account, limit=limit
        )
    if json:
        print_json(found)
        return
    table = Table("made", "destination", "what", "account", "status", "due", "why", box=None)
    for item in found:
        due = item.due_at if item.status in UNSETTLED else None
        table.add_row(
            f"{item.made_at:%m-%d %H:%M}",
            item.destination,
            item.kind,
            escape(item.account_id),
            item.status,
            f"{due:%m-%d %H:%M}" if due is not None else "",
            escape(" ".join(filter(None, (item.reason, item.fix)))),
        )
    out.print(table)


@deliveries.command()
def send(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and send nothing.")
    ] = False,
    destination: DestinationOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Send what waits; a running server does so by itself."""
    with open_project(project) as opened:
        if dry_run:
            names = [state.name for state in opened.handoffs.states()]
            wanted = names if destination is None else [destination]
            changes = [change for name in wanted for change in opened.handoffs.preview(name)]
            if json:
                print_json(changes)
            else:
                _print_changes(changes)
            return
        done = _send_all(opened.handoffs)
    if json:
        print_json(done)
    else:
        _print_sent(done)
    if done.failing or done.dead:
        raise typer.Exit(FAILED)


@deliveries.command()
def retry(
    destination: DestinationOption = None,
    key: Annotated[str | None, typer.Option(help="Only the one whose key begins so.")] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Let deliveries that could not be sent be tried again."""
    with open_project(project) as opened:
        revived = opened.handoffs.retry(destination=destination, key=key)
    if json:
        print_json({"revived": revived})
    else:
        out.print(f"{counted(revived, 'delivery')} will be tried again.")


@deliveries.command()
def pause(
    destination: DestinationArgument,
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
) -> None:
    """Send nothing to a destination until it is resumed; what is decided waits."""
    with open_project(project) as opened:
        opened.handoffs.pause(destination, who=whoever(who), reason=reason)
    out.print(f"Nothing is sent to {escape(destination)} until you resume it.")


@deliveries.command()
def resume(destination: DestinationArgument, project: ProjectOption = Path()) -> None:
    """Send to a destination again."""
    with open_project(project) as opened:
        was_paused = opened.handoffs.resume(destination)
    out.print(f"{escape(destination)} {'is sent to again' if was_paused else 'was not paused'}.")


@destinations.command(name="list")
def list_destinations(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List where decisions are sent, and how each is doing."""
    with open_project(project) as opened:
        found = opened.handoffs.states()
    if json:
        print_json(found)
        return
    table = Table("name", "type", "waiting", "sent", "dead", "writes", "paused", box=None)
    for item in found:
        table.add_row(
            escape(item.name),
            item.type,
            str(item.waiting),
            str(item.sent),
            str(item.dead),
            ", ".join(item.writes),
            escape(item.paused or ""),
        )
    out.print(table)


@destinations.command(name="test")
def probe(
    destination: DestinationArgument, project: ProjectOption = Path(), json: JsonOption = False
) -> None:
    """Check credentials, scopes and fields before anything is sent; nothing is changed."""
    with open_project(project) as opened:
        found = opened.handoffs.check(destination)
    if json:
        print_json(found)
    else:
        for item in found:
            mark = "[green]ok[/green]" if item.ok else "[red]no[/red]"
            out.print(f"{mark}  [bold]{escape(item.name)}[/bold]  {escape(item.said)}")
            if item.fix:
                out.print(f"      {escape(item.fix)}", soft_wrap=True)
    if not all(item.ok for item in found):
        raise typer.Exit(FAILED)


@destinations.command()
def backfill(
    destination: DestinationArgument,
    every: Annotated[
        bool, typer.Option("--all", help="Of all accounts, not only of those that qualify.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would be told, and send nothing.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Send all values of accounts to a destination now, also those that it was told before."""
    with open_project(project) as opened:
        found = opened.handoffs.backfill(destination, every=every, dry_run=dry_run)
        done = None if dry_run else _send_all(opened.handoffs)
    if json:
        print_json({"backfill": found, "sent": done})
    else:
        way = " as one load" if found.bulk else ""
        out.print(f"{counted(found.accounts, 'account')} for {escape(destination)}{way}.")
        if done is None:
            _print_changes(list(found.changes))
        else:
            _print_sent(done)
    if done is not None and (done.failing or done.dead):
        raise typer.Exit(FAILED)


@destinations.command()
def read(
    destination: DestinationArgument, project: ProjectOption = Path(), json: JsonOption = False
) -> None:
    """Take in what changed in a CRM: opportunities, touches, owners, who is not contacted."""
    with open_project(project) as opened:
        found = opened.read_back(destination)
    if json:
        print_json(found)
        return
    rows = ", ".join(f"{number(count)} {kind}" for kind, count in found.added.items())
    out.print(
        f"New: {rows or 'nothing'}. {counted(found.reassigned, 'handoff')} went to the owner "
        "there; "
        f"{counted(found.barred, 'account')} may not be contacted.",
        soft_wrap=True,
    )


def _status(text: str | None) -> DeliveryStatus | None:
    if text is None:
        return None
    known: tuple[DeliveryStatus, ...] = get_args(DeliveryStatus)
    for status in known:
        if status == text:
            return status
    raise UsageError(
        Problem("usage-status", f"`{text}` is no status.", did_you_mean(text, known, noun="Any of"))
    )


def _send_all(handoffs: Handoffs | HandoffsClient) -> Dispatched:
    done = handoffs.dispatch()
    while (more := handoffs.dispatch()).moved:  # what fails rests, and the others go on
        done = _added(done, more)
    return _added(done, more)


def _print_sent(done: Dispatched) -> None:
    out.print(f"{done.sent} sent, {done.unchanged} unchanged, {done.dead} dead.")
    for name, why in done.failing.items():
        err.print(f"{name}: {why}", soft_wrap=True)


def _added(first: Dispatched, second: Dispatched) -> Dispatched:
    first.sent += second.sent
    first.unchanged += second.unchanged
    first.later += second.later
    first.dead += second.dead
    first.failing |= second.failing
    return first


def _print_changes(changes: list[Change]) -> None:
    for change in changes:
        out.print(f"[bold]{change.action}[/bold]  {escape(change.subject)}", soft_wrap=True)
        for name, value in change.after.items():
            before = change.before.get(name)
            was = f" (was {escape(str(before))})" if before not in (None, "") else ""
            out.print(f"    {name} = {escape(str(value))}{was}", soft_wrap=True)
    err.print(f"{counted(len(changes), 'change')}; nothing was sent.")
