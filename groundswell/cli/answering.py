"""Commands that compute and show: run, accounts, explain, features, journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from groundswell.cli.app import AsOfOption, JsonOption, ProjectOption, app, parse_day
from groundswell.cli.learning_options import OutOption, check_out, write_out
from groundswell.cli.opening import open_project
from groundswell.cli.output import counted, err, number, out, print_json
from groundswell.cli.story import print_alerts, print_explanation, print_queue, print_risks

SHOWN_ACCOUNTS = 25


@app.command()
def run(
    as_of: AsOfOption = None, project: ProjectOption = Path(), json: JsonOption = False
) -> None:
    """Score every account, decide, and record it in the journal."""
    with open_project(project) as opened:
        report = opened.run(as_of=parse_day(as_of))
    if json:
        print_json(report)
        return
    out.print(
        f"As of {report.as_of}: {counted(report.accounts, 'account')} scored, "
        f"[bold]{number(report.qualified)} qualified[/bold] "
        f"({number(len(report.newly_qualified))} newly, {number(len(report.released))} released), "
        f"{number(report.hand_overs)} to hand over."
    )
    shares = ", ".join(f"{motion} {number(count)}" for motion, count in report.motions.items())
    out.print(f"Motions: {shares}. Journal: {counted(report.journal_entries, 'new entry')}.")
    if report.alerts:
        out.print(f"{counted(report.alerts, 'alert')}: see `groundswell alerts`.")
    if report.risks:
        out.print(f"{counted(report.risks, 'customer')} at risk: see `groundswell alerts`.")
    for warning in report.warnings:
        err.print(Text(warning, style="yellow"), soft_wrap=True)


@app.command()
def accounts(
    limit: Annotated[int | None, typer.Option(min=0, help="At most so many; 0 for all.")] = None,
    qualified: Annotated[bool, typer.Option("--qualified", help="Only qualified ones.")] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """List accounts as of the latest run, best first."""
    with open_project(project) as opened:
        shown = SHOWN_ACCOUNTS if limit is None and not json else limit
        rows = opened.accounts(qualified=qualified, limit=shown or None)
    if json:
        print_json(rows)
        return
    print_queue(rows)
    if shown and len(rows) == shown:
        err.print(f"The best {shown} are shown; `--limit 0` shows all.", soft_wrap=True)


@app.command()
def explain(
    account: Annotated[str, typer.Argument(help="Account id, name, or domain.")],
    as_of: AsOfOption = None,
    user: Annotated[
        str | None, typer.Option(help="Say why this user belongs to the account.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="By another version of the score, a preset or a file.")
    ] = None,
    out_file: OutOption = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Explain one account: every point, rule, guardrail and link, as of any day."""
    check_out(out_file)
    with open_project(project) as opened:
        explanation = opened.explain(account, as_of=parse_day(as_of), user=user, model=model)
    write_out(explanation, out_file, title=f"{explanation.name or explanation.account_id}")
    if json:
        print_json(explanation)
    else:
        print_explanation(explanation)


@app.command()
def features(
    as_of: AsOfOption = None,
    weeks: Annotated[
        int, typer.Option(min=1, max=1_040, help="As of so many weekly days, ending at --as-of.")
    ] = 1,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write Parquet here instead of printing.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    as_known: Annotated[
        bool,
        typer.Option("--as-known", help="Leave out, for each day, events that arrived after it."),
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Compute every feature of every account, as of one day or many weekly ones."""
    day = parse_day(as_of)
    with open_project(project) as opened:
        if out_file:
            rows = opened.write_features(out_file, as_of=day, weeks=weeks, as_known=as_known)
            err.print(f"Wrote {number(rows)} rows to {out_file}.")
            return
        only = [account] if account else None
        frame = opened.features(as_of=day, weeks=weeks, accounts=only, as_known=as_known)
    if json:
        print_json(frame.to_dicts())
        return
    if account:
        table = Table("feature", *(str(item) for item in frame["as_of"]), box=None, pad_edge=False)
        for name in frame.columns[2:]:
            table.add_row(name, *(number(value) for value in frame[name]))
        out.print(table)
        return
    err.print(
        f"{counted(frame.height, 'row')} of {counted(frame.width - 2, 'feature')}; "
        "`--out FILE.parquet` writes them all, `--account ID` shows one account's.",
        soft_wrap=True,
    )


@app.command()
def alerts(
    account: Annotated[str | None, typer.Option(help="Only this account, by its id.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All that were ever told, those that are over too.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """List the customers at risk, and those that could take more: by what, and who is told."""
    with open_project(project) as opened:
        found = opened.alerts(account=account, every=every)
        risks = opened.risks(account=account, every=every)
    if json:
        print_json([*risks, *found])
    elif risks or found:
        print_risks(risks)
        print_alerts(found)
    else:
        err.print("Nobody has to be told of anything; `groundswell run` looks.", soft_wrap=True)


@app.command()
def journal(
    name: Annotated[
        str | None, typer.Argument(metavar="ACCOUNT", help="Only this account, by its id.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="The same.")] = None,
    kind: Annotated[str | None, typer.Option(help="qualified, decided, usage_alert, ...")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, newest first.")] = 50,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show what was decided, when and why, newest first."""
    with open_project(project) as opened:
        entries = opened.journal(account=name or account, kind=kind, limit=limit)
    if json:
        print_json(entries)
        return
    table = Table("as of", "account", "what", "who", "why", box=None, pad_edge=False)
    for entry in entries:
        told = (entry.body.get(name) for name in ("why", "reason"))
        why = str(next((text for text in told if text), ""))
        who = str(entry.body.get("who") or "")
        table.add_row(str(entry.as_of), entry.account_id, entry.kind, who, why)
    out.print(table)
