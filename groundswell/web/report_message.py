"""The weekly report as word to people: a mail that holds all of it, and a message in Slack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from groundswell.connectors.deliveries import Company, Message
from groundswell.connectors.slack_blocks import cut, escape
from groundswell.web.document import text_table, to_html, to_text
from groundswell.web.weekly_report import report_weekly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from groundswell.engine.measuring.weekly import WeeklyReport
    from groundswell.web.document import Report, Section

NEWS = "weekly_report"
_ROOM = 2_900  # characters of a section in Slack, with what is around a table
_TABLES = 3


def weekly_key(as_of: date) -> str:
    """Return what names the sending of the report of a week once and for all."""
    return f"report:weekly:{as_of}"


def weekly_message(found: WeeklyReport, *, at: datetime) -> Message:
    """Return the weekly report as a message about ourselves.

    A mail shows no drawn pictures everywhere, so that it has the tables that they are drawn from.

    Args:
        found: The week.
        at: When it is written.
    """
    report = report_weekly(found, title=f"Weekly report, {found.as_of}")
    plain = replace(
        report, sections=tuple(replace(section, pictures=()) for section in report.sections)
    )
    verdict = " ".join(report.verdict)
    return Message(
        company=Company("", found.company),
        news=NEWS,
        subject=cut(f"{found.company}, week to {found.as_of}: {verdict}".replace("`", ""), 200),
        text=to_text(plain),
        html=to_html(plain, {}),
        blocks=list(_blocks(report, found.as_of)),
        to=None,
        brief={},
        happened_at=at,
    )


def _blocks(report: Report, as_of: date) -> Iterator[dict[str, Any]]:
    """Yield the report in Slack: what follows from it, its first tables, and where the rest is."""
    yield {"type": "header", "text": {"type": "plain_text", "text": report.title}}
    yield _marked("\n".join(escape(sentence) for sentence in report.verdict))
    tables = [section for section in report.sections if section.table is not None]
    for section in tables[:_TABLES]:
        yield _marked(f"*{escape(section.heading)}*\n```\n{_table(section)}\n```")
    named = next((one for one in report.sections if one.heading.startswith("Mistakes")), None)
    if named is not None:
        said = "\n".join(f"• {escape(item)}" for item in named.items)
        yield _marked(cut(f"*{escape(named.heading)}*\n{said}", _ROOM))
    rest = f"All of it: `groundswell report weekly --as-of {as_of}`, or Reports on the pages."
    yield {"type": "context", "elements": [{"type": "mrkdwn", "text": rest}]}


def _marked(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _table(section: Section) -> str:
    """Return as many whole lines of a table as fit."""
    assert section.table is not None, "it was chosen for its table"
    lines = escape(text_table(section.table)).splitlines()
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) > _ROOM:
            kept.append(f"and {len(lines) - len(kept)} more lines")
            break
        kept.append(line)
    return "\n".join(kept)
