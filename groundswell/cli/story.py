"""How the queue and an explanation look in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from groundswell.cli.output import number, out
from groundswell.engine.caring import say_care

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.engine import AccountRow, Explanation
    from groundswell.model import Alert, Component, Growth, Link, Risk

BAR_WIDTH = 12
SHOWN_PEOPLE = 8


def print_queue(rows: Sequence[AccountRow]) -> None:
    """Print accounts best first: a line with the figures, and below it why."""
    wide = max((len(_title(row)) for row in rows), default=0)
    for place, row in enumerate(rows, start=1):
        mark = "[bold green]●[/bold green]" if row.qualified else "[dim]○[/dim]"
        hand = "  [bold]hand over now[/bold]" if row.hand_over else ""
        tags = f"{row.tier.removeprefix('PQL-').lower():<11} {row.motion:<13}"
        out.print(
            f"{place:>3}  {mark} [bold]{escape(_title(row)):<{wide}}[/bold]  "
            f"[bold]{row.score:5.1f}[/bold]  {tags}{hand}"
        )
        why = "; ".join([*_kept(row), *_distinct([*row.triggers[:1], *row.reasons])[:3]])
        out.print(Padding(f"[dim]{escape(why)}[/dim]", (0, 0, 0, 7)))


def print_alerts(alerts: Sequence[Alert]) -> None:
    """Print alerts in their order: the figures and who is told, below it the opportunity."""
    if alerts:
        out.print("[bold]Could take more[/bold]")
    wide = max((len(alert.name or alert.account_id) for alert in alerts), default=0)
    for place, alert in enumerate(alerts, start=1):
        title = escape(f"{alert.name or alert.account_id:<{wide}}")
        high = f"[bold]{alert.potential:3.0f}[/bold] of 100"
        day = f"[dim]{alert.as_of}[/dim]"
        out.print(f"{place:>3}  [bold]{title}[/bold]  {high}  to {escape(_told(alert))}  {day}")
        out.print(Padding(escape(alert.sentence), (0, 0, 0, 5)))
        out.print(Padding(f"[dim]{escape(alert.news)}[/dim]", (0, 0, 0, 5)))


def print_risks(risks: Sequence[Risk]) -> None:
    """Print customers at risk in their order: who is told, below it by what signs."""
    if risks:
        out.print("[bold]At risk[/bold]")
    wide = max((len(risk.name or risk.account_id) for risk in risks), default=0)
    for place, risk in enumerate(risks, start=1):
        title = escape(f"{risk.name or risk.account_id:<{wide}}")
        health = "health unknown" if risk.health is None else f"health {risk.health:3.0f}"
        day = f"[dim]{risk.as_of}[/dim]"
        out.print(f"{place:>3}  [bold]{title}[/bold]  {health}  to {escape(_warned(risk))}  {day}")
        out.print(Padding(escape(risk.sentence), (0, 0, 0, 5)))
        out.print(Padding(f"[dim]{escape(risk.news)}[/dim]", (0, 0, 0, 5)))


def _warned(risk: Risk) -> str:
    carer = risk.csm or risk.inbox or "the customer success channel"
    return f"{carer} and its owner, {risk.owner}" if risk.owner else carer


def _told(alert: Alert) -> str:
    csm = f"; {alert.csm} looks after it" if alert.csm else ""
    return f"{_works(alert)}{csm}"


def _works(alert: Alert) -> str:
    if alert.owner is not None:
        return f"its owner, {alert.owner}"
    if alert.team is None:
        return "whoever works expansions"
    owned = alert.team == "owner"
    return "who works the open opportunity" if owned else f"team {alert.team}"


def _title(row: AccountRow) -> str:
    return row.name or row.account_id


def _kept(row: AccountRow | Explanation) -> list[str]:
    """Say why an account below the threshold is qualified: it crossed it and is not released."""
    if not row.qualified or row.above_threshold:
        return []
    return [f"Qualified since {row.qualified_since}; now below {row.threshold:g}, not released yet"]


def _distinct(sentences: Sequence[str]) -> list[str]:
    """Keep each sentence once, in order; a trigger and a component may say the same."""
    return list(dict.fromkeys(sentences))


def print_explanation(story: Explanation) -> None:
    """Print one account's whole story: score, components, decision, guardrails, links."""
    since = f" since {story.qualified_since}" if story.qualified_since else ""
    state = f"qualified{since}" if story.qualified else "not qualified"
    title = f"{story.name or story.account_id}"
    ident = f" ({story.account_id})" if story.name else ""
    out.print(f"[bold]{title}[/bold]{ident}  as of {story.as_of}")
    out.print(f"score [bold]{story.score:.1f}[/bold], {state}, {story.tier}, fit {story.fit_band}")
    for sentence in _kept(story):
        out.print(f"[yellow]{sentence}.[/yellow]")
    if story.chance is not None:
        out.print(f"Of accounts with that score, {story.chance:.1%} come to the outcome in time.")
    out.print()
    _print_components(story)
    _print_now(story)
    _print_care(story)
    _print_alert(story)
    _print_decision(story)
    _print_links(story)


def _bar(component: Component) -> Text:
    share = component.points / component.max if component.max > 0 else 0.0
    filled = round(BAR_WIDTH * min(max(share, 0.0), 1.0))
    style = "green" if component.known else "yellow"
    return Text("█" * filled, style=style) + Text("·" * (BAR_WIDTH - filled), style="dim")


def _print_components(story: Explanation) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    if story.base:
        table.add_row(Text("base", style="bold"), "", f"{story.base:.1f}", "of every account")
    for part, value in story.parts.items():
        weight = story.weights.get(part, 1.0)
        table.add_row(
            Text(part, style="bold"), "", f"{value:.1f}", Text(f"x {weight:g} of the score")
        )
        for item in story.components:
            if item.part == part:
                points = f"{item.points:.1f} / {item.max:.1f}"
                table.add_row(f"  {item.name}", _bar(item), points, escape(item.sentence))
    out.print(table)
    out.print()


def _print_now(story: Explanation) -> None:
    if not story.triggers:
        return
    out.print("[bold]Why now[/bold]")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for trigger in story.triggers:
        since = Text(f"{trigger.family}, since {trigger.since}", style="dim")
        table.add_row(escape(trigger.sentence), since)
    out.print(Padding(table, (0, 0, 0, 2)))
    out.print()


def _print_care(story: Explanation) -> None:
    if story.care is None:
        return
    out.print(f"[bold]Customer success[/bold]  {escape(say_care(story.care))}")
    health = story.features.get("health")
    if isinstance(health, int | float):
        out.print(Padding(f"Health {health:.0f} of 100", (0, 0, 0, 2)))
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for part in story.health:
            values = ", ".join(f"{name} {number(value)}" for name, value in part.values.items())
            given = "unknown" if part.points is None else f"{part.points:.1f}"
            most = f" / {part.max:.1f}" if part.max else ""
            table.add_row(part.name, f"{given}{most}", Text(values, style="dim"))
        out.print(Padding(table, (0, 0, 0, 4)))
    if story.risk is not None:
        risk = story.risk
        told = f"Told on {risk.as_of} to {_warned(risk)}. {risk.news}"
        out.print(Padding(f"[red]At risk[/red]: {escape(risk.sentence)}", (0, 0, 0, 2)))
        out.print(Padding(escape(told), (0, 0, 0, 2)))
        _print_risk_signs(risk)
    out.print()


def _print_risk_signs(risk: Risk) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    mark = {True: "[red]holds[/red]", False: "no", None: "[yellow]unknown[/yellow]"}
    for sign in risk.signs:
        values = ", ".join(f"{name} {number(value)}" for name, value in sign.values.items())
        seen = Text(values, style="dim")
        table.add_row(mark[sign.matched], escape(sign.name), escape(sign.condition), seen)
    out.print(Padding(table, (0, 0, 0, 4)))


def _print_alert(story: Explanation) -> None:
    alert = story.alert
    if alert is None:
        return
    out.print(f"[bold]Could take more[/bold]  {alert.potential:.0f} of 100, as of {alert.as_of}")
    told = f"Told {_told(alert)} by the rule `{alert.rule}`. {alert.news}"
    out.print(Padding(escape(alert.sentence), (0, 0, 0, 2)))
    out.print(Padding(escape(told), (0, 0, 0, 2)))
    if alert.growth is not None:
        out.print(Padding(escape(_worth(alert.growth)), (0, 0, 0, 2)))
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    mark = {True: "[green]holds[/green]", False: "no", None: "[yellow]unknown[/yellow]"}
    for sign in alert.signs:
        values = ", ".join(f"{name} {number(value)}" for name, value in sign.values.items())
        points = f"{sign.points:.0f} / {sign.max:.0f}"
        seen = Text(values, style="dim")
        table.add_row(mark[sign.matched], points, escape(sign.name), escape(sign.condition), seen)
    out.print(Padding(table, (0, 0, 0, 2)))
    out.print()


def _worth(growth: Growth) -> str:
    price = f"{number(float(growth.price))} a month"
    of = f"{number(growth.seats)} seats likely in a year at {price}" if growth.per_seat else price
    tier = f" ({growth.plan})" if growth.plan else ""
    arr = number(float(growth.arr))
    return f"Worth {number(float(growth.added_arr))} more a year: {of}{tier}, today {arr} a year."


def _print_decision(story: Explanation) -> None:
    verdict = "hand over to a human" if story.decision.hand_over else "no handoff"
    out.print(f"[bold]Decision[/bold]  {story.motion}: {verdict}")
    out.print(Padding(escape(story.decision.reason), (0, 0, 0, 2)))
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for rule in story.rules:
        mark = {True: "[green]matched[/green]", False: "no", None: "[yellow]unknown[/yellow]"}
        values = ", ".join(f"{name} {number(value)}" for name, value in rule.values.items())
        table.add_row(mark[rule.matched], escape(rule.name), Text(values, style="dim"))
    out.print(Padding(table, (0, 0, 0, 2)))
    out.print()
    out.print("[bold]Guardrails[/bold]")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for guard in story.guardrails:
        mark_text = "[green]pass[/green]" if guard.passed else "[red]stop[/red]"
        table.add_row(mark_text, guard.name, escape(guard.reason))
    out.print(Padding(table, (0, 0, 0, 2)))
    out.print()


def _print_links(story: Explanation) -> None:
    by_user: dict[str, Link] = {}
    for link in story.links:
        by_user.setdefault(link.user_id, link)
    out.print(f"[bold]People[/bold]  {len(by_user)} belong to it")
    for link in list(by_user.values())[:SHOWN_PEOPLE]:
        out.print(Padding(escape(link.reason), (0, 0, 0, 2)), style="dim")
    if len(by_user) > SHOWN_PEOPLE:
        out.print(f"  and {len(by_user) - SHOWN_PEOPLE} more", style="dim")
