"""Health: what comes in and what goes out, what could not be used, and how fresh the score is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.engine.colleagues import Role
from groundswell.web.site.visit import Answer, Moved, Shown

if TYPE_CHECKING:
    from datetime import date, datetime

    from groundswell.engine.handing.handoffs import DestinationState
    from groundswell.engine.jobs import JobState
    from groundswell.engine.reports import StoredReject
    from groundswell.errors import Problem
    from groundswell.store.outbox import KeptDelivery
    from groundswell.web.site.sources import Counted
    from groundswell.web.site.visit import Visit

REJECTS_SHOWN, DELIVERIES_SHOWN = 50, 50


@dataclass(frozen=True, slots=True)
class HealthPage:
    """How the project is doing.

    Attributes:
        counted: Where events come from, and how many rows are in quarantine.
        rejects: The first rows in quarantine.
        destinations: Where decisions go.
        dead: The latest deliveries that cannot be sent as they are.
        latest_day: As of when accounts were scored; None before the first run.
        model: Version of the score.
        learned_until: The first day of which it learned nothing; None where nothing was learned.
        jobs: What the server does by itself.
        refused: What is wrong with the configuration that was to be taken up last.
        may_act: Whether who asks may replay, retry and pause.
        now: When it was looked at.
    """

    counted: Counted
    rejects: tuple[StoredReject, ...]
    destinations: tuple[DestinationState, ...]
    dead: tuple[KeptDelivery, ...]
    latest_day: date | None
    model: str
    learned_until: date | None
    jobs: tuple[JobState, ...]
    refused: tuple[Problem, ...]
    may_act: bool
    now: datetime


def show_health(visit: Visit) -> Answer:
    """Show how the project is doing."""
    project = visit.project
    counted = visit.site.sources.read()
    page = HealthPage(
        counted=counted,
        rejects=tuple(project.rejects(limit=REJECTS_SHOWN)),
        destinations=tuple(project.handoffs.states()),
        dead=tuple(project.handoffs.deliveries(status="dead", limit=DELIVERIES_SHOWN)),
        latest_day=project.looker.latest_day(),
        model=project.loaded.score.version,
        learned_until=project.loaded.score.learned_until,
        jobs=tuple(project.job_states()),
        refused=visit.site.refused(),
        may_act=visit.who.role == Role.ADMIN,
        now=project.clock.now(),
    )
    return Shown("health.html", page, "Health", part="part_health.html")


def replay_rejects(visit: Visit) -> Answer:
    """Take in again what is in quarantine, by the mapping as it is now."""
    source = visit.form.get("source") or None
    reports = visit.project.replay(source=source)
    visit.site.sources.forget()
    visit.note("quarantine.replay", about=source or "", added=sum(one.added for one in reports))
    return Moved("/health")


def retry_deliveries(visit: Visit) -> Answer:
    """Let dead deliveries be tried again."""
    destination = visit.form.get("destination") or None
    revived = visit.project.handoffs.retry(destination=destination)
    visit.note("deliveries.retry", about=destination or "", revived=revived)
    return Moved("/health")


def pause_destination(visit: Visit) -> Answer:
    """Send nothing to a destination until it is resumed.

    Raises:
        UsageError: There is no such destination.
    """
    destination = visit.form.get("destination", "")
    visit.project.handoffs.pause(
        destination, who=visit.who.email, reason=visit.form.get("reason", "")[:500]
    )
    visit.note("destination.pause", about=destination)
    return Moved("/health")


def resume_destination(visit: Visit) -> Answer:
    """Send to a destination again.

    Raises:
        UsageError: There is no such destination.
    """
    destination = visit.form.get("destination", "")
    visit.project.handoffs.resume(destination)
    visit.note("destination.resume", about=destination)
    return Moved("/health")
