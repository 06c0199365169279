"""Answers of a desk in a few lines of text, for who reads no structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from groundswell.engine.desk.answers import (
        AccountsAnswer,
        Held,
        QueueAnswer,
        TimelineAnswer,
        WhyAnswer,
    )
    from groundswell.engine.reports import SourceState


def tell_queue(found: QueueAnswer) -> str:
    """Say what waits."""
    if not found.count:
        return "Nothing waits."
    lines = [f"{found.count} wait, {found.overdue} overdue, {found.urgent} asked for a person."]
    for row in found.handoffs:
        due = f", by {row.due_at:%Y-%m-%d %H:%M} UTC" if row.due_at else ""
        why = " ".join(row.why_now)
        lines.append(
            f"- {row.name or row.account_id} ({row.account_id}): {row.score:.0f}, {row.state}, "
            f"{row.owner or f'nobody of {row.team}'}{due}. {why} [{row.handoff_id}]"
        )
    return _more(lines, found.count - len(found.handoffs))


def tell_accounts(found: AccountsAnswer) -> str:
    """Say which accounts were found."""
    if not found.count:
        return "No account was found."
    lines = [f"{found.count} found, as of {found.as_of}."]
    lines += [
        f"- {row.name or row.account_id} ({row.account_id}): {row.score:.0f}, {row.tier}, "
        f"{row.motion}, {row.owner or 'owned by nobody'}"
        for row in found.accounts
    ]
    return _more(lines, found.count - len(found.accounts))


def tell_why(found: WhyAnswer) -> str:
    """Say why an account is on a list, or not."""
    over = "To be handed over" if found.hand_over else "Not handed over"
    lines = [
        f"{found.name or found.account_id} as of {found.as_of}: {over}. {found.reason}",
        f"Score {found.score:.0f} of {found.threshold:.0f} needed; {found.tier}, {found.motion}.",
        *_listed("It gave points", [item.sentence for item in found.gave]),
        *_listed("What started", found.triggers),
        *_listed("It is barred", [item.reason for item in found.guardrails]),
    ]
    if found.handoff is not None:
        lines.append(tell_held(found.handoff))
    return "\n".join(lines)


def tell_timeline(found: TimelineAnswer) -> str:
    """Say what happened with an account."""
    lines = [f"{found.account_id}, by {found.as_of}, the newest first."]
    lines += [f"- {item.at:%Y-%m-%d %H:%M} {item.kind}: {item.what}" for item in found.happened]
    return "\n".join(lines) if found.happened else "Nothing happened with it yet."


def tell_held(found: Held) -> str:
    """Say where a handoff stands."""
    whose = found.owner or (f"nobody of {found.team}" if found.team else "nobody")
    rests = f", rests until {found.snoozed_until:%Y-%m-%d %H:%M} UTC" if found.snoozed_until else ""
    due = f", due by {found.due_at:%Y-%m-%d %H:%M} UTC" if found.due_at else ""
    said = f"{found.state}, {whose}{due}{rests}"
    return f"Handoff {found.handoff_id} of {found.account_id}: {said}."


def tell_sources(found: Sequence[SourceState]) -> str:
    """Say how sources are doing."""
    lines = [
        f"- {item.source}: {item.events} events, {item.last_hour} within the last hour, "
        f"{item.rejected} in quarantine, {item.waiting} waiting; the last came "
        + (f"{item.last_received_at:%Y-%m-%d %H:%M} UTC." if item.last_received_at else "never.")
        for item in found
    ]
    return "\n".join(lines) or "There is no source yet."


def _listed(title: str, said: Iterable[str]) -> list[str]:
    lines = [f"- {sentence}" for sentence in said]
    return [f"{title}:", *lines] if lines else []


def _more(lines: list[str], count: int) -> str:
    return "\n".join([*lines, f"{count} more."] if count else lines)
