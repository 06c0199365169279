"""The audit: four questions that say how far product and sales go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.overlay.checks import Check, checked
from groundswell.overlay.figures import Figure, recent
from groundswell.overlay.quarters import quarters_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.overlay.facts import OverlayFacts

_SECTION = "audit"
_ARR = "ARR: load `subscriptions` (account_id, plan, mrr, started_at, ended_at)"


def audit(facts: OverlayFacts, pieces: Iterable[Check]) -> tuple[Check, ...]:
    """Return what is seen of each question.

    Args:
        facts: What is known.
        pieces: The pieces of maturity: three of the questions are told by one of them each.
    """
    known = {one.name: one for one in pieces}
    return (
        _revenue(facts),
        *(
            _asked(name, known[piece])
            for name, piece in (
                ("definition", "pql_defined"),
                ("context", "context_given"),
                ("feedback", "feedback_returns"),
            )
        ),
    )


def _revenue(facts: OverlayFacts) -> Check:
    """Tell which share of revenue nobody touched."""
    (quarter,) = quarters_until(facts.as_of, 1)
    (alone,), (total,) = (recent(one, [quarter]) for one in (facts.self_serve_arr, facts.arr_total))
    if alone is None or total is None or alone.value is None or not total.value:
        return checked(_SECTION, "revenue", holds=None, figures={}, missing=(_ARR,))
    share = Figure(alone.value / total.value, n=total.n, unit="share", source=total.source)
    rest = Figure(1 - alone.value / total.value, n=total.n, unit="share", source=total.source)
    return checked(
        _SECTION, "revenue", holds=True, figures={"alone": share, "touched": rest, "total": total}
    )


def _asked(name: str, piece: Check) -> Check:
    question = checked(_SECTION, name, holds=None, figures={})
    return Check(
        name,
        question.title,
        piece.holds,
        piece.why,
        piece.figures,
        piece.evidence,
        piece.missing,
    )
