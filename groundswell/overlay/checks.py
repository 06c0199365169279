"""A check: something that holds, does not, or is not known, with the numbers it is told from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundswell.overlay.figures import Figure
from groundswell.overlay.signals.signal import Evidence
from groundswell.overlay.words import said, tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at.

    Attributes:
        name, title: What it is.
        holds: Whether it is so; None where that is not known.
        why: What it is seen by, in a sentence.
        figures: The numbers in it, by name.
        evidence: The accounts behind them, most telling first.
        missing: What would have to be known, by name.
    """

    name: str
    title: str
    holds: bool | None
    why: str
    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()


def checked(
    section: str,
    name: str,
    *,
    holds: bool | None,
    figures: Mapping[str, Figure | None],
    evidence: Iterable[Evidence] = (),
    missing: Iterable[str] = (),
    **values: object,
) -> Check:
    """Return a check, its sentence filled in with its figures and with other values."""
    known = {key: one for key, one in figures.items() if one is not None}
    lacking = tuple(dict.fromkeys(missing)) if holds is None else ()
    told = {key: str(one) if one is not None else "unknown" for key, one in figures.items()}
    why = tell("checks", "not_known") if holds is None else tell(section, name, **told, **values)
    return Check(name, said(section, name), holds, why, known, tuple(evidence), lacking)


def missing_of(needed: Mapping[str, Figure | None]) -> tuple[str, ...]:
    """Return the names of figures that are not known."""
    return tuple(name for name, one in needed.items() if one is None or one.value is None)
