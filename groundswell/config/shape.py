"""What a source looks like: how its columns become ours. A pure description.

`connectors` make shapes (defaults of each system, mappings of the user); `store.reading` executes
them. Neither room knows the other, so what passes between them lives here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from groundswell.config.schema import CsvDialect, Plain, TimeFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.model import Kind

FileFormat = Literal["csv", "jsonl", "parquet"]

# Targets of a mapping that begin so become single properties: `properties.invitee_email: email`.
PROPERTY = "properties."


@dataclass(frozen=True, slots=True)
class Column:
    """Where the values of one column of ours come from.

    Attributes:
        paths: Their columns or JSON paths; the first that has a value wins. A name is first
            sought as a column, then as `column.path` into JSON.
        constant: The value where no path gives one.
        asked: True when a user named the paths: a file without them is then a mistake.
        differs_from: A path; where both values are equal, there is no value.
        not_prefix: Values that begin so are no values.
    """

    paths: tuple[str, ...] = ()
    constant: Plain | None = None
    asked: bool = False
    differs_from: str | None = None
    not_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a source become records of one kind.

    Attributes:
        kind: The kind of record the rows become.
        name: What it describes, in words, for messages: `Segment tracks`.
        columns: Ours -> where its values come from. Keys are warehouse names, or
            `properties.<name>` for a single property.
        format: How the files are written; None decides by the name of each file.
        dialect: How CSV is written.
        times: Ours -> how times are written there; a column not listed must be ISO 8601 with
            an offset.
        nulls: Spellings of "no value" in text.
        only: A condition over their columns; rows that do not fulfil it are no records.
        keep: Which of their unknown columns become properties; None keeps all.
        drop: Columns of theirs that are never kept; `*` at the end stands for any ending.
        ignore_case: True when their column names may differ from ours in case.
        needs: Columns a file must have for this shape to be the right one.
        otherwise: The shape to try when a column in `needs` is missing.
    """

    kind: Kind
    name: str = "files"
    columns: Mapping[str, Column] = field(default_factory=dict[str, Column])
    format: FileFormat | None = None
    dialect: CsvDialect = field(default_factory=CsvDialect)
    times: Mapping[str, TimeFormat] = field(default_factory=dict[str, TimeFormat])
    nulls: tuple[str, ...] = ("",)
    only: str | None = None
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    ignore_case: bool = False
    needs: tuple[str, ...] = ()
    otherwise: Shape | None = None

    def variants(self) -> tuple[Shape, ...]:
        """Return this shape and those to try after it, in order."""
        found: list[Shape] = []
        shape: Shape | None = self
        while shape is not None:
            found.append(shape)
            shape = shape.otherwise
        return tuple(found)
