"""How the queue and an explanation look in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from groundswell.cli.output import number, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.engine import AccountRow, Explanation
    from groundswell.model import Component

BAR_WIDTH = 12


def print_queue(rows: Sequence[AccountRow]) -> None:
    """Print accounts as a table, best first, with the strongest reasons."""
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("account", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("tier", no_wrap=True)
    table.add_column("motion", no_wrap=True)
    table.add_column("why", ratio=1)
    for row in rows:
        mark = "[bold green]●[/bold green] " if row.qualified else "  "
        table.add_row(
            f"{mark}{row.name or row.account_id}",
            f"{row.score:.1f}",
            row.tier,
            row.motion,
            "; ".join([*row.triggers[:1], *row.reasons][:3]),
        )
    out.print(table)


def print_explanation(story: Explanation) -> None:
    """Print one account's whole story: score, components, decision, guardrails, links."""
    since = f" since {story.qualified_since}" if story.qualified_since else ""
    state = f"qualified{since}" if story.qualified else "not qualified"
    title = f"{story.name or story.account_id}"
    ident = f" ({story.account_id})" if story.name else ""
    out.print(f"[bold]{title}[/bold]{ident}  as of {story.as_of}")
    out.print(f"score [bold]{story.score:.1f}[/bold], {state}, {story.tier}, fit {story.fit_band}")
    out.print()
    _print_components(story)
    _print_now(story)
    _print_decision(story)
    _print_links(story)


def _bar(component: Component) -> Text:
    filled = round(BAR_WIDTH * component.points / component.max) if component.max else 0
    style = "green" if component.known else "yellow"
    return Text("█" * filled, style=style) + Text("·" * (BAR_WIDTH - filled), style="dim")


def _print_components(story: Explanation) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for part, value in story.parts.items():
        weight = story.weights.get(part, 1.0)
        table.add_row(
            Text(part, style="bold"), "", f"{value:.1f}", Text(f"x {weight:g} of the score")
        )
        for item in story.components:
            if item.part == part:
                points = f"{item.points:.1f} / {item.max:.1f}"
                table.add_row(f"  {item.name}", _bar(item), points, item.sentence)
    out.print(table)
    out.print()


def _print_now(story: Explanation) -> None:
    if story.triggers:
        out.print("[bold]Why now[/bold]")
        for trigger in story.triggers:
            out.print(f"  {trigger.sentence}  [dim]since {trigger.since} ({trigger.family})[/dim]")
        out.print()


def _print_decision(story: Explanation) -> None:
    verdict = "hand over to a human" if story.decision.hand_over else "no handoff"
    out.print(f"[bold]Decision[/bold]  {story.motion}: {verdict}")
    out.print(f"  {story.decision.reason}")
    for rule in story.rules:
        mark = {True: "[green]matched[/green]", False: "no", None: "unknown"}[rule.matched]
        values = ", ".join(f"{name}={number(value)}" for name, value in rule.values.items())
        out.print(Padding(f"{mark:>7}  {rule.name}  [dim]{values}[/dim]", (0, 0, 0, 2)))
    out.print()
    out.print("[bold]Guardrails[/bold]")
    for guard in story.guardrails:
        mark = "[green]pass[/green]" if guard.passed else "[red]stop[/red]"
        out.print(Padding(f"{mark}  {guard.name}: {guard.reason}", (0, 0, 0, 2)))
    out.print()


def _print_links(story: Explanation) -> None:
    out.print(f"[bold]People[/bold]  {len(story.links)} linked")
    for link in story.links[:8]:
        out.print(Padding(f"{link.user_id}  [dim]{link.reason}[/dim]", (0, 0, 0, 2)))
    if len(story.links) > 8:
        out.print(f"  and {len(story.links) - 8} more")
