"""Whether a definition still holds, as a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.web.document import Report, Section, Table
from groundswell.web.wording import NOT_KNOWN, counted, named, share_figure

if TYPE_CHECKING:
    from groundswell.engine.lab.watching import Watch
    from groundswell.scoring.learning.measures import Figure

_PSI = (
    "How far each feature that the score reads has moved (population stability index; 0 is not at "
    "all). It has moved where it is above what chance and a little change explain."
)


def report_drift(found: Watch, *, title: str) -> Report:
    """Say whether a definition still holds."""
    rows = tuple(
        (item.feature, f"{item.psi:.3f}", f"{item.line:.3f}", "yes" if item.warns else "no")
        for item in (found.score, *found.features)
    )
    converted = (
        ("lately", *_converted(found.lately)),
        ("before", *_converted(found.before)),
    )
    moved = sum(item.warns for item in found.features)
    due = f"It is due to be learned anew since {found.refit_due}." if found.refit_due else ""
    held = f"Of {counted(len(found.features), 'feature')}, {moved} moved."
    verdict = found.warnings or (f"It holds. {held}",)
    return Report(
        title,
        f"{named(found.version)}: {found.as_of} beside {found.since}. {due}".strip(),
        verdict,
        (
            Section(
                "Converted after qualifying",
                table=Table(("weeks", "share", "95 of 100 draws"), converted),
            ),
            Section(
                "What moved",
                (_PSI,),
                Table(("feature", "index", "moves above", "moved"), rows, words=frozenset({3})),
            ),
        ),
    )


def _converted(figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return NOT_KNOWN, ""
    said = share_figure(figure)
    return said.value, said.interval
