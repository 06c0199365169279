"""The `demo` command: make the demo company, load it, run, and show what came out."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundswell.cli.app import JsonOption, app
from groundswell.cli.output import err, number, out, print_json
from groundswell.cli.story import print_explanation, print_queue
from groundswell.clock import RunningClock
from groundswell.demo import DemoCompany, generate
from groundswell.engine import (
    CONFIG_FILE,
    STATE_FOLDER,
    AccountRow,
    Explanation,
    LoadReport,
    Project,
    RunReport,
)
from groundswell.engine.colleagues import Role
from groundswell.errors import Place, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.clock import Clock

NOON = time(12)
SHOWN = 15
TRUTH_FILE = "truth.parquet"


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What `demo` made and found."""

    folder: str
    events: int
    loads: list[LoadReport]
    run: RunReport
    queue: list[AccountRow]
    explanation: Explanation
    seconds: dict[str, float]


@app.command()
def demo(
    project: Annotated[
        Path, typer.Option("--project", help="Folder to make the demo company in.")
    ] = Path("demo"),
    accounts: Annotated[int, typer.Option(min=50, help="How many accounts.")] = 2000,
    months: Annotated[int, typer.Option(min=2, help="How many months of history.")] = 18,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another company.")] = 7,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then show its pages, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="TCP port of the pages; 0 for a free one.")] = 0,
    json: JsonOption = False,
) -> None:
    """Make a company with a known truth, load it, run, and show the queue and one explanation."""
    _clear(project)
    seconds: dict[str, float] = {}
    began = monotonic()
    company = generate(project, accounts=accounts, months=months, seed=seed)
    seconds["generate"] = monotonic() - began
    err.print(
        f"Made Acme Boards in {project}: {number(company.accounts)} accounts, "
        f"{number(company.people)} people, {number(company.events)} events until {company.end} "
        f"({seconds['generate']:.1f} s).",
        soft_wrap=True,
    )
    # Everything is as of the company's last day, so that what is due is due then.
    clock = RunningClock.from_instant(datetime.combine(company.end, NOON, UTC))
    with Project.open(project, clock=clock) as opened:
        loads = _load(opened, company)
        seconds["load"] = sum(report.seconds for report in loads)
        began = monotonic()
        run = opened.run(as_of=company.end)
        seconds["run"] = monotonic() - began
        queue = opened.accounts(qualified=True, limit=SHOWN)
        best = next((row for row in queue if row.hand_over), queue[0])
        story = opened.explain(best.account_id)
    report = DemoReport(str(project), company.events, loads, run, queue, story, seconds)
    if json:
        print_json(report)
    else:
        _show(report, project)
    if serve:
        _serve(project, clock, port)


def _serve(project: Path, clock: Clock, port: int) -> None:
    """Show the pages of the company as if its last day were now; anybody of it may sign in."""
    from groundswell.api.hosting import DEFAULT_HOST  # noqa: PLC0415 - a second to import
    from groundswell.cli.serving import say_way_in  # noqa: PLC0415 - the same
    from groundswell.server import Server, serve_project  # noqa: PLC0415 - the same

    def let_in(server: Server) -> None:
        password = "-".join(secrets.choice(_WORDS) for _ in range(4))
        for email, role in _colleagues(server.site.project):
            server.site.colleagues.add(email, role=role, password=password)
            err.print(f"  {role:<8} {email}")
        err.print(f"Anybody of them signs in with: {password}", soft_wrap=True)

    serve_project(
        project, host=DEFAULT_HOST, port=port, clock=clock, begun=let_in, listening=say_way_in
    )


def _colleagues(opened: Project) -> Iterator[tuple[str, Role]]:
    """Yield who signs in to the demo: who is on its teams, and two who are not."""
    teams = opened.loaded.teams.values()
    managers = {team.manager for team in teams if team.manager}
    reps = {member.email for team in teams for member in team.members} - managers
    domain = next(iter(sorted(reps))).partition("@")[2]
    yield f"admin@{domain}", Role.ADMIN
    yield f"analyst@{domain}", Role.ANALYST
    for email in sorted(managers) or [f"manager@{domain}"]:
        yield email, Role.MANAGER
    for email in sorted(reps):
        yield email, Role.REP


_WORDS = (
    *("amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "harbor"),
    *("iris", "jasper", "kelp", "lagoon", "maple", "nectar", "ocean", "pebble"),
    *("quartz", "river", "saffron", "tundra", "umber", "valley", "willow", "zephyr"),
)


def _clear(project: Path) -> None:
    """Begin afresh in a folder that an earlier demo made; refuse any other project."""
    state = project / STATE_FOLDER
    if (project / CONFIG_FILE).exists() and not (project / TRUTH_FILE).exists():
        raise UsageError(
            Problem(
                code="demo-other-project",
                what=f"{project} holds a project that is not the demo company.",
                fix="Name another folder with `--project`.",
                where=Place(str(project / CONFIG_FILE)),
            )
        )
    if state.exists():
        shutil.rmtree(state)


def _load(opened: Project, company: DemoCompany) -> list[LoadReport]:
    reports: list[LoadReport] = []
    for kind, files in company.loads.items():
        for report in opened.load(kind, [str(file) for file in files]):
            err.print(
                f"  {report.kind:<14}{number(report.added):>12} added"
                f"{number(report.duplicates):>9} there already"
                f"{number(report.rejected):>7} quarantined  {report.seconds:5.1f} s",
                soft_wrap=True,
            )
            reports.append(report)
    return reports


def _show(report: DemoReport, project: Path) -> None:
    run = report.run
    out.print()
    out.print(
        f"[bold]The queue as of {run.as_of}[/bold]: {number(run.qualified)} of "
        f"{number(run.accounts)} accounts are qualified, {number(run.hand_overs)} to hand over now"
    )
    motions: dict[str, Any] = run.motions
    out.print(", ".join(f"{motion} {number(count)}" for motion, count in motions.items()))
    out.print()
    print_queue(report.queue)
    out.print()
    print_explanation(report.explanation)
    out.print()
    out.print(f"[dim]Made, loaded and computed in {sum(report.seconds.values()):.0f} s.[/dim]")
    where = f"--project {project}"
    err.print(
        f"Next: groundswell accounts {where}, groundswell explain NAME {where}, "
        f"groundswell quarantine list {where}.",
        soft_wrap=True,
    )
