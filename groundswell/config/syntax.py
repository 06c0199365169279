"""What the YAML parser says, told so that someone who does not know YAML's grammar can mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.errors import Place, Problem

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError, YAMLError


@dataclass(frozen=True, slots=True)
class _Known:
    """A mistake that people make, and how the parser words it.

    `pattern` is sought in the parser's context and problem; `opening` tells it where the
    construct began rather than where the parser gave up.
    """

    pattern: str
    what: str
    fix: str
    code: str = "config-yaml-syntax"
    opening: bool = False


_KNOWN = (
    _Known(
        r"character '\\t'",
        "A tab stands where YAML wants spaces.",
        "Indent with spaces.",
        code="config-yaml-tab",
    ),
    _Known(
        r"character '[@`%|>&*!]'",
        "A value begins with a sign that means something else in YAML.",
        "Put the value in quotes.",
    ),
    _Known(
        "mapping values are not allowed",
        "A second `:` stands in this line, so YAML takes its value for a mapping.",
        "Put the value in quotes, or begin a new line.",
    ),
    _Known(
        "undefined alias|scanning an alias",
        "A value begins with `*`, which YAML takes for a reference to an anchor.",
        "Put the value in quotes.",
    ),
    _Known(
        "another document",
        "The file holds more than one YAML document.",
        "Take the line `---` out.",
    ),
    _Known(
        "quoted scalar",
        "A quotation mark is not closed.",
        "Close it, or double a quotation mark that belongs to the text.",
        opening=True,
    ),
    _Known(
        "flow",
        "A bracket `[` or `{` is not closed, or a comma is missing.",
        "Close the bracket, and put commas between the values.",
        opening=True,
    ),
    _Known(
        "could not find expected ':'",
        "This line is neither `key: value` nor part of the value above.",
        "Write `key: value`, or indent it under its key.",
        opening=True,
    ),
    _Known(
        "block",
        "This line is not indented like the lines it belongs to.",
        "Begin every key of a block in the same column.",
    ),
)


def syntax_problem(error: MarkedYAMLError, name: str) -> Problem:
    """Return what is wrong where the parser stopped."""
    said = f"{error.context or ''} {error.problem or ''}"
    known = next((known for known in _KNOWN if re.search(known.pattern, said)), None)
    if known is None:
        known = _Known(
            "",
            f"This is not YAML: {error.problem or 'it cannot be read'}.",
            "Mend the line, or put the value in quotes.",
        )
    marks = (error.context_mark, error.problem_mark)
    mark = next((m for m in (marks if known.opening else reversed(marks)) if m), None)
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    return Problem(code=known.code, what=known.what, fix=known.fix, where=place)


def character_problem(error: YAMLError, text: str, name: str) -> Problem:
    """Return where a character stands that no YAML file may hold."""
    position = int(getattr(error, "position", 0))
    line_start = text.rfind("\n", 0, position) + 1
    return Problem(
        code="config-yaml-syntax",
        what="There is a control character that YAML does not allow.",
        fix="Delete it.",
        where=Place(name, text.count("\n", 0, position) + 1, position - line_start + 1),
    )
