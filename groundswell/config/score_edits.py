"""`score:` with other numbers: weights, points and the threshold, its comments kept."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from groundswell.config.definitions import flow_block, plain_number, write_component

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.resolved import ComponentSpec, ScoreDef
    from groundswell.model import Part

_WIDTH = 1 << 20  # one line for each list, whatever its length
_INDENTED = re.compile(r"^( +)\S", re.MULTILINE)
_DIGITS = 4
_LONG = frozenset({"from", "at", "give", "when", "say", "say_unknown"})


@dataclass(frozen=True, slots=True)
class ScoreEdit:
    """What is other than in a score.

    Attributes:
        weights: By part; those that are not named stay.
        times: By part and component, how many times as many points it gives.
        qualified: The number that a score has to pass; None where it stays.
    """

    weights: Mapping[Part, float] = field(default_factory=dict["Part", float])
    times: Mapping[tuple[Part, str], float] = field(default_factory=dict[tuple["Part", str], float])
    qualified: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is."""
        return not self.weights and not self.times and self.qualified is None


def edit_score(text: str, score: ScoreDef, edit: ScoreEdit) -> str:
    """Return the text of a block `score:` with other numbers.

    Args:
        text: The block as it is written, its key too; empty where it is not.
        score: What it comes to, as it is.
        edit: What is other.
    """
    if edit.is_empty:
        return text
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    found = _INDENTED.search(text)
    indent = len(found[1]) if found else 2
    yaml.indent(mapping=indent, sequence=indent + 2, offset=indent)
    document: Any = yaml.load(text) if text.strip() else CommentedMap()
    if not isinstance(document.get("score"), dict):
        document["score"] = CommentedMap()
    block = document["score"]
    if edit.weights:
        given = {part: told.weight for part, told in score.parts.items()} | dict(edit.weights)
        _put(block, "weights", {part.value: _rounded(weight) for part, weight in given.items()})
    if edit.qualified is not None:
        word = "above" if score.qualified.above is not None else "at_least"
        _put(block, "qualified", {word: _rounded(edit.qualified)})
    for (part, name), times in edit.times.items():
        spec = next(one for one in score.parts[part].components if one.name == name)
        if not isinstance(block.get(part.value), dict):
            block[part.value] = CommentedMap()
        _multiply(block[part.value], spec, times)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _put(block: CommentedMap, key: str, values: Mapping[str, int | float]) -> None:
    """Put values under a key; where they are written already, each in its place."""
    there = block.get(key)
    if isinstance(there, dict):
        there.update(values)
        return
    place = list(block).index("preset") + 1 if "preset" in block else len(block)
    block.insert(place, key, flow_block(dict(values)))


def _multiply(part: CommentedMap, spec: ComponentSpec, times: float) -> None:
    """Let a component give so many times the points; where it is written, in its place."""
    written = part.get(spec.name)
    if not isinstance(written, dict):
        part[spec.name] = whole = write_component(spec)
        for word in ("say", "say_unknown"):
            if spec.when is None and word in whole:
                del whole[word]  # the preset's own are kept
        written = whole
    elif _LONG.isdisjoint(written):  # the short form of a lookup
        for key, points in written.items():
            written[key] = _rounded(points * times)
        return
    written["give"] = _scaled(written["give"], times)
    if written.get("unknown"):
        written["unknown"] = _rounded(written["unknown"] * times)


def _scaled(give: Any, times: float) -> Any:
    if isinstance(give, list):
        made = CommentedSeq([_rounded(points * times) for points in give])
        made.fa.set_flow_style()
        return made
    if isinstance(give, dict):
        for key, points in give.items():
            give[key] = _rounded(points * times)
        return give
    return _rounded(give * times)


def _rounded(value: float) -> int | float:
    return plain_number(round(float(value), _DIGITS))
