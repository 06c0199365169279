"""Commands about handoffs: queue, and what people do with what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.learning_options import WhoOption, whoever
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, out, print_json
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.handoff.life import DECLINE_REASONS
from groundswell.handoff.rendering.mail import mail_html
from groundswell.handoff.rendering.slack import slack_blocks
from groundswell.handoff.rendering.text import markdown, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from groundswell.engine.handing.handoffs import QueueRow
    from groundswell.engine.handing.simulating import Given, Simulation
    from groundswell.handoff.life import Handoff

handoff = typer.Typer(
    help="What is done with a handoff: taken up, declined, put off, handed on, closed.",
    no_args_is_help=True,
)
app.add_typer(handoff, name="handoff")

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="HANDOFF", help="Its id or the beginning of it, or the account, by id or name."
    ),
]
NoteOption = Annotated[str, typer.Option("--note", help="In your own words.")]
_REASONS = ", ".join(DECLINE_REASONS)


@app.command()
def queue(
    rep: Annotated[str | None, typer.Option(help="Only of this rep, by e-mail address.")] = None,
    team: Annotated[str | None, typer.Option(help="Only of this team.")] = None,
    every: Annotated[
        bool, typer.Option("--every", help="What rests, or has an opportunity, too.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """List the accounts that somebody has to work now, the most urgent first."""
    with open_project(project) as opened:
        opened.handoffs.sweep()
        rows = opened.handoffs.queue(rep=rep, team=team, every=every)
    if json:
        print_json(rows)
    elif rows:
        _print_queue(rows)
    else:
        err.print("Nothing waits. `groundswell run` decides who is handed over.")


@app.command()
def brief(
    account: Annotated[str, typer.Argument(help="The account, by id, name or domain.")],
    form: Annotated[
        str, typer.Option("--format", help="text, markdown, html, slack or json.")
    ] = "text",
    as_of: AsOfOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Print what a rep has to know of an account before they write to it."""
    written = "json" if json else form
    if written not in _FORMS:
        raise UsageError(
            Problem(
                "usage-format",
                f"A brief cannot be written as `{written}`.",
                did_you_mean(written, _FORMS, noun="Forms"),
            )
        )
    with open_project(project) as opened:
        found = opened.brief(account, as_of=parse_day(as_of))
    if written == "json":
        print_json(found)
    elif written == "slack":
        print_json(slack_blocks(found))
    else:
        forms = {"text": plain_text, "markdown": markdown, "html": mail_html}
        out.print(forms[written](found), markup=False, soft_wrap=True, end="")


_FORMS = ("text", "markdown", "html", "slack", "json")


@app.command()
def simulate(
    policy: Annotated[Path, typer.Option(help="Another groundswell.yaml.")],
    since: Annotated[str, typer.Option(metavar="DATE", help="The first day that counts.")],
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last one; today by default.")
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Replay the past under another policy: which decisions would change."""
    first, last = parse_day(since), parse_day(until)
    assert first is not None, "it was given"
    with open_project(project) as opened:
        found = opened.simulate(policy, since=first, until=last)
    if json:
        print_json(found)
    else:
        _print_simulation(found)


@handoff.command()
def show(name: NameArgument, project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """Print where a handoff stands."""
    with open_project(project) as opened:
        found = opened.handoffs.get(name)
    if json:
        print_json(found)
    else:
        _told(found)


@handoff.command()
def accept(
    name: NameArgument,
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Take it up: it is yours, and the clock stops."""
    _step(project, name, "accept", who, json=json, note=note)


@handoff.command()
def decline(
    name: NameArgument,
    reason: Annotated[str, typer.Option(help=f"Why: {_REASONS}.")],
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Decline it, with the reason; the score learns from it."""
    _step(project, name, "decline", who, json=json, reason=reason, note=note)


@handoff.command()
def snooze(
    name: NameArgument,
    days: Annotated[int, typer.Option(min=1, help="For how many days.")] = 7,
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Put it off for some days."""
    _step(project, name, "snooze", who, json=json, days=days, note=note)


@handoff.command()
def touch(
    name: NameArgument,
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Note that somebody of the account was spoken or written to."""
    _step(project, name, "touch", who, json=json, note=note)


@handoff.command()
def escalate(
    name: NameArgument,
    engineer: Annotated[
        bool, typer.Option("--engineer", help="Ask for a solution engineer too.")
    ] = False,
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Hand it on, warm, to the enterprise team."""
    _step(project, name, "escalate", who, json=json, note=note, engineer=engineer)


@handoff.command()
def reassign(
    name: NameArgument,
    to: Annotated[str, typer.Option(help="To whom, by e-mail address.")],
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Give it to somebody else."""
    _step(project, name, "reassign", who, json=json, to=to, note=note)


@handoff.command()
def won(
    name: NameArgument,
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Close it: the account bought."""
    _step(project, name, "won", who, json=json, note=note)


@handoff.command()
def lost(
    name: NameArgument,
    reason: Annotated[str | None, typer.Option(help="Why, such as `price`.")] = None,
    competitor: Annotated[str | None, typer.Option(help="To whom.")] = None,
    note: NoteOption = "",
    who: WhoOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Close it: the account did not buy."""
    _step(project, name, "lost", who, json=json, reason=reason, competitor=competitor, note=note)


def _step(
    project: Path, name: str, action: Any, who: str | None, *, json: bool, **told: Any
) -> None:
    with open_project(project) as opened:
        found = opened.handoffs.step(name, action, who=whoever(who), **told)
    if json:
        print_json(found)
    else:
        _told(found)


def _told(found: Handoff) -> None:
    owner = f" by {found.owner}" if found.owner else ""
    out.print(
        f"[bold]{escape(found.account_id)}[/bold]  {found.handoff_id}: {found.state}"
        f"{escape(owner)}, {found.motion}.",
        soft_wrap=True,
    )
    if found.due_at is not None:
        out.print(f"First touch by {_minute(found.due_at)}.")
    if found.snoozed_until is not None:
        out.print(f"It rests until {_minute(found.snoozed_until)}.")
    if found.closed_reason:
        out.print(f"Reason: {escape(found.closed_reason)}.")


def _print_queue(rows: Sequence[QueueRow]) -> None:
    wide = max(len(row.name or row.account_id) for row in rows)
    for place, row in enumerate(rows, start=1):
        title = escape(f"{row.name or row.account_id:<{wide}}")
        urgent = "[bold red]asked for a person[/bold red]  " if row.urgent else ""
        tier = f"{(row.tier or '').removeprefix('PQL-').lower():<11}"
        out.print(
            f"{place:>3}  [bold]{title}[/bold]  [bold]{row.score:5.1f}[/bold]  {tier} "
            f"{row.motion:<13} {urgent}{_due(row)}",
            soft_wrap=True,
        )
        owner = row.owner or f"nobody of {row.team}"
        said = f"{row.state}, {owner}  ·  {row.reason}  ·  {row.handoff_id}"
        out.print(Padding(f"[dim]{escape(said)}[/dim]", (0, 0, 0, 5)))
    late = sum(row.overdue for row in rows)
    err.print(f"{counted(len(rows), 'handoff')}, {late} overdue.")


def _due(row: QueueRow) -> str:
    if row.snoozed_until is not None:
        return f"rests until {_minute(row.snoozed_until)}"
    if row.due_at is None:
        return ""
    style = "red" if row.overdue else "dim"
    return f"[{style}]by {_minute(row.due_at)}[/{style}]"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _print_simulation(found: Simulation) -> None:
    out.print(
        f"{counted(found.accounts, 'account')}, every day from {found.first} to {found.last}.",
        soft_wrap=True,
    )
    table = Table("handed over", "now", "by the other policy", box=None, pad_edge=False)
    for motion in dict.fromkeys([*found.now, *found.then]):
        table.add_row(motion, str(found.now.get(motion, 0)), str(found.then.get(motion, 0)))
    out.print(table)
    said = ", ".join(f"{count} {change}" for change, count in found.changes.items())
    out.print(f"{counted(found.both, 'account')} the same; {said or 'none differs'}.")
    for item in found.differing[:_SHOWN]:
        now, then = _given(item.now), _given(item.then)
        out.print(f"  [bold]{escape(item.account_id)}[/bold]  {now} → {then}", soft_wrap=True)
    if len(found.differing) > _SHOWN:
        err.print(f"{len(found.differing) - _SHOWN} more: see `--json`.")


_SHOWN = 20


def _given(given: Given | None) -> str:
    if given is None:
        return "not handed over"
    return f"{given.motion} on {given.day} ({escape(given.rule)}, {given.score:.0f})"
