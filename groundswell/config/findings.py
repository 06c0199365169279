"""Collecting what is wrong with a file, each mistake at its place, before any is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundswell.config.expressions import Expression
from groundswell.config.sentences import STYLES, names_in, strays_in
from groundswell.errors import ConfigError, Place, Problem, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.quantities import Misfit
    from groundswell.config.vocabulary import ValueType

Key = tuple[str | int, ...]


def key_path(key: Key) -> str:
    """Return how a key is written for a reader.

    >>> key_path(("motions", 0, "when"))
    'motions[0].when'
    """
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a key stands in a file, and where its value begins."""

    key: Place
    value: Place


@dataclass(slots=True)
class Findings:
    """The mistakes found so far.

    Attributes:
        spots: Key to where it stands; a mistake at a key that is not written is told at the
            nearest one above it.
        problems: What was found.
        broken: Names that something wrong was to define; a condition that reads one of them is
            not checked further, so that one mistake is told once.
    """

    spots: Mapping[Key, Spot]
    problems: list[Problem] = field(default_factory=list[Problem])
    broken: set[str] = field(default_factory=set[str])

    def spot(self, key: Key) -> Spot | None:
        """Return where `key`, or the nearest written key above it, stands."""
        while key and key not in self.spots:
            key = key[:-1]
        return self.spots.get(key)

    def tell(self, key: Key, code: str, what: str, fix: str, *, at_key: bool = False) -> None:
        """Add a mistake about the value of `key`, or about the key itself."""
        spot = self.spot(key)
        exact = key in self.spots
        place = None if spot is None else (spot.key if at_key or not exact else spot.value)
        problem = Problem(code=code, what=what, fix=fix, where=place, path=key_path(key))
        if problem not in self.problems:
            self.problems.append(problem)

    def tell_misfit(self, key: Key, misfit: Misfit) -> None:
        """Add a text that was refused."""
        self.tell(key, misfit.code, misfit.what, misfit.fix)

    def expression(
        self, key: Key, text: str, *, types: Mapping[str, ValueType], expect: ValueType
    ) -> Expression | None:
        """Parse the expression at `key`; None after adding what is wrong with it."""
        spot = self.spot(key)
        try:
            return Expression.parse(
                text,
                types=types,
                where=spot.value if spot else None,
                path=key_path(key),
                expect=expect,
            )
        except ConfigError as error:
            if not any(name in text for name in self.broken):
                self.problems.extend(p for p in error.problems if p not in self.problems)
            return None

    def template(self, key: Key, text: str, *, known: Mapping[str, ValueType]) -> None:
        """Check the `{names}` of the sentence at `key`."""
        for name in sorted(names_in(text) - known.keys() - self.broken):
            near = nearest(name, known)
            fix = f"Did you mean `{{{near}}}`?" if near else "Use the name of a feature."
            self.tell(key, "config-unknown-feature", f"Unknown feature `{name}` in `say`.", fix)
        for wrong in sorted(strays_in(text)):
            fix = f"Write `{{feature}}`, or with a style: {', '.join(sorted(STYLES))}."
            self.tell(key, "config-bad-template", f"`{wrong}` cannot be filled in.", fix)

    def raise_any(self) -> None:
        """Raise everything found, in the order of the files.

        Raises:
            ConfigError: When anything was found.
        """
        if self.problems:
            nowhere = Place("")
            raise ConfigError(*sorted(self.problems, key=lambda p: _order(p.where or nowhere)))


def _order(place: Place) -> tuple[str, int, int]:
    return place.file, place.line or 0, place.column or 0
