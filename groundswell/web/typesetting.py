"""A report as a PDF, typeset by Typst; the extra `pdf` brings it.

What a report says is handed over as data and never as markup, so no text can change the page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from groundswell.errors import Problem, UsageError
from groundswell.web.document import text_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.web.document import Picture, Report, Section, Table

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Written into every file, so that the same report gives the same bytes."""

Pieces = list[tuple[str, bool]]


def to_pdf(report: Report, svgs: Mapping[str, str]) -> bytes:
    """Write a report as a PDF.

    Args:
        report: What it says.
        svgs: Its pictures, by name.

    Raises:
        UsageError: Typst is not installed.
    """
    try:
        import typst  # noqa: PLC0415 - an extra
    except ImportError:
        raise UsageError(
            Problem(
                code="extra-missing",
                what="A PDF needs the extra `pdf`, which is not installed.",
                fix="Run `pip install 'groundswell[pdf]'`, or write to .html and print that.",
            )
        ) from None
    template = files("groundswell.web").joinpath("templates/report.typ").read_bytes()
    told = msgspec.json.encode(_report(report, svgs)).decode()
    return typst.compile(template, sys_inputs={"report": told}, timestamp=_EPOCH)


def _report(report: Report, svgs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": report.title,
        "about": _pieces(report.about),
        "verdict": [_pieces(sentence) for sentence in report.verdict],
        "sections": [_section(section, svgs) for section in report.sections],
    }


def _section(section: Section, svgs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "heading": _pieces(section.heading),
        "notes": [_pieces(note) for note in section.notes],
        "table": _table(section.table) if section.table is not None else None,
        "items": [_pieces(item) for item in section.items],
        "pictures": [_picture(picture, svgs) for picture in section.pictures],
    }


def _table(table: Table) -> dict[str, Any]:
    """Return a table; its rows name cells by their place, as lists of lists are made flat."""
    cells = [_pieces(cell) for row in table.rows for cell in row]
    width = len(table.heads)
    return {
        "heads": [_pieces(head) for head in table.heads],
        "kinds": [table.kind(column) for column in range(width)],
        "rows": [list(range(start, start + width)) for start in range(0, len(cells), width)],
        "cells": cells,
    }


def _picture(picture: Picture, svgs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": _pieces(picture.title),
        "caption": _pieces(picture.caption),
        "svg": svgs[picture.name],
    }


def _pieces(text: str) -> Pieces:
    return text_parts(" ".join(text.split()))
