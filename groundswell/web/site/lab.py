"""The lab: how scores spread, what follows from a threshold, and the versions of the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.engine.colleagues import Role
from groundswell.errors import Problem, UsageError
from groundswell.web.site.curves import EDGE, HEIGHT, WIDTH
from groundswell.web.site.visit import Answer, Moved, Shown, read_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from groundswell.engine.lab.thresholds import Consequences, ScoreBar
    from groundswell.engine.registry import Model
    from groundswell.web.site.visit import Visit

LAB, MODELS = "/lab", "/lab/models"
HIGHEST = 100.0
_MOST = 500  # letters of a reason


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of the picture: its place in the box, and what it says."""

    x: float
    y: float
    width: float
    height: float
    bar: ScoreBar


@dataclass(frozen=True, slots=True)
class LabPage:
    """How scores spread, and what follows from a threshold.

    Attributes:
        found: What follows from it.
        columns: The picture.
        mark: Where the threshold stands in it.
        used: The threshold in use.
        version: The definition in use.
        day: Of the latest run.
    """

    found: Consequences
    columns: tuple[Column, ...]
    mark: float
    used: float
    version: str
    day: date | None
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """The versions of the score.

    Attributes:
        models: What the registry knows, the latest first.
        in_use: The version that scores now.
        may_publish: Whether who asks may put another in its place.
    """

    models: tuple[Model, ...]
    in_use: str
    may_publish: bool


def show_lab(visit: Visit) -> Answer:
    """Show how scores spread, and what follows from the threshold that is asked for.

    Raises:
        UsageError: Nothing was scored yet, or the threshold is no number.
    """
    project = visit.project
    lab = project.lab
    found = lab.consequences(_asked(visit))
    used = found if found.in_use else lab.consequences()
    page = LabPage(
        found=found,
        columns=draw_columns(lab.spread()),
        mark=_across(found.line),
        used=used.line,
        version=project.loaded.score.version,
        day=project.looker.latest_day(),
    )
    return Shown("lab.html", page, "Lab", part="part_lab.html")


def show_models(visit: Visit) -> Answer:
    """Show the versions of the score."""
    project = visit.project
    page = ModelsPage(
        tuple(reversed(project.lab.versions())),
        project.loaded.score.version,
        may_publish=visit.who.role == Role.ADMIN,
    )
    return Shown("models.html", page, "Versions of the score")


def publish_model(visit: Visit) -> Answer:
    """Let a version score from now on.

    Raises:
        UsageError: There is no such version, it was not proved, or no reason is given.
        ConfigError: It reads a feature that is not there any more.
    """
    reason = _reason(visit)
    model = visit.project.lab.publish(
        visit.form.get("version", ""), who=visit.who.email, reason=reason
    )
    visit.note("model.publish", about=model.version, reason=reason)
    return Moved(MODELS)


def roll_back_model(visit: Visit) -> Answer:
    """Publish again what was published before the present version.

    Raises:
        UsageError: There was none, or no reason is given.
    """
    reason = _reason(visit)
    model = visit.project.lab.roll_back(who=visit.who.email, reason=reason)
    visit.note("model.roll_back", about=model.version, reason=reason)
    return Moved(MODELS)


def retire_model(visit: Visit) -> Answer:
    """Take a version out of use.

    Raises:
        UsageError: There is no such version, or no reason is given.
    """
    reason = _reason(visit)
    model = visit.project.lab.retire(
        visit.form.get("version", ""), who=visit.who.email, reason=reason
    )
    visit.note("model.retire", about=model.version, reason=reason)
    return Moved(MODELS)


def draw_columns(bars: Sequence[ScoreBar]) -> tuple[Column, ...]:
    """Return the bars of a picture, each as high as it holds accounts."""
    most = max((bar.accounts for bar in bars), default=0) or 1
    room = HEIGHT - 2 * EDGE
    drawn: list[Column] = []
    for bar in bars:
        x, high = _across(bar.low), round(room * bar.accounts / most, 1)
        width = round(_across(bar.high) - x - 1, 1)
        drawn.append(Column(x, round(HEIGHT - EDGE - high, 1), width, high, bar))
    return tuple(drawn)


def _across(score: float) -> float:
    """Return where a score stands, from the left."""
    share = min(max(score / HIGHEST, 0.0), 1.0)
    return round(EDGE + (WIDTH - 2 * EDGE) * share, 1)


def _asked(visit: Visit) -> float | None:
    """Return the threshold that is asked for; None for the one in use."""
    text = visit.query.get("line", "")
    return read_number("line", text, least=0.0, most=HIGHEST) if text else None


def _reason(visit: Visit) -> str:
    reason = visit.form.get("reason", "").strip()[:_MOST]
    if not reason:
        raise UsageError(
            Problem(
                "page-reason",
                "No reason is given.",
                "Say why: whoever looks at the registry later reads it.",
            )
        )
    return reason
