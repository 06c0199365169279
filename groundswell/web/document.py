"""A report as a document: words, tables and pictures, written as HTML or as Markdown.

Text in backticks is a name that a machine reads. All else is plain text from anywhere: nothing in
it is ever taken for markup.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.web.pictures import Drawing

_MARKDOWN = re.compile(r"[\\`*|~]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_BLOCK = re.compile(r"^(\d*)([#+=-]+|[.)])(?=\s|$)")
_IN_CODE = re.compile(r"[^\w .:-]")
_NAMESPACES = re.compile(r'\sxmlns(?::xlink)?="[^"]*"')


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        heads: What each column is.
        rows: What is in them; as many cells as there are heads.
        words: Columns of few words, beside the first.
        prose: Columns of many; all others are figures.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset()
    prose: frozenset[int] = frozenset()

    def kind(self, column: int) -> Literal["words", "prose", "figure"]:
        """Tell what is in a column."""
        if column in self.prose:
            return "prose"
        return "words" if column == 0 or column in self.words else "figure"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, what it is called in the name of a file, its title, and how to read it."""

    name: str
    title: str
    caption: str
    chart: Drawing


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what is below it, in this order."""

    heading: str
    notes: tuple[str, ...] = ()
    table: Table | None = None
    items: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A document: what it is of, what follows from it, and the sections that show it."""

    title: str
    about: str
    verdict: tuple[str, ...]
    sections: tuple[Section, ...]

    def render_pictures(self) -> dict[str, str]:
        """Return each picture as SVG, by its name."""
        from groundswell.web.pictures import render_svg  # noqa: PLC0415 - a third of a second

        return {
            picture.name: render_svg(picture.chart)
            for section in self.sections
            for picture in section.pictures
        }


def to_html(report: Report, svgs: Mapping[str, str]) -> str:
    """Write a report as one page that holds all it needs and asks nothing of the network."""
    inlined = {
        name: Markup(_NAMESPACES.sub("", svg, 2))  # noqa: S704 - Vega has escaped all texts
        for name, svg in svgs.items()
    }
    return _templates().get_template("report.html").render(report=report, svgs=inlined)


def to_markdown(report: Report, files: Mapping[str, str]) -> str:
    """Write a report as Markdown; `files` has the name of the file of each picture."""
    links = {name: quote(file) for name, file in files.items()}
    return _templates().get_template("report.md").render(report=report, links=links)


def to_text(report: Report) -> str:
    """Write a report as plain text for a terminal or a mail, without its pictures."""
    return _templates().get_template("report.txt").render(report=report).rstrip() + "\n"


def text_table(table: Table) -> str:
    """Write a table as plain text: words to the left, figures to the right.

    >>> print(text_table(Table(("who", "count"), (("Ann", "1"), ("Bertha", "12")))))
    who     count
    Ann         1
    Bertha     12
    """
    lines = [[" ".join(cell.split()) for cell in row] for row in (table.heads, *table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.heads))]
    written = (
        "  ".join(
            cell.rjust(width) if table.kind(column) == "figure" else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return "\n".join(written)


def html_text(text: str) -> Markup:
    """Escape a text for HTML; what is in backticks is set as code.

    >>> html_text("`seats` < 5 & <b>")
    Markup('<code>seats</code> &lt; 5 &amp; &lt;b&gt;')
    """
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if is_code else escape(part)
        for part, is_code in text_parts(text)
    )


def html_figure(text: str) -> Markup:
    """Escape a figure for HTML; its interval is kept in one piece.

    >>> html_figure("0.8 [0.7, 0.9]"), html_figure("5 < 6")
    (Markup('0.8 <span>[0.7, 0.9]</span>'), Markup('5 &lt; 6'))
    """
    value, opens, rest = text.partition(" [")
    if not opens:
        return html_text(text)
    return Markup("{} <span>[{}</span>").format(value, rest)


def markdown_text(text: str) -> str:
    r"""Escape a text for Markdown, in a table too; what is in backticks stays code.

    >>> markdown_text("`seats_used` of a|b, <script> *5*")
    '`seats_used` of a\\|b, &lt;script&gt; \\*5\\*'
    >>> markdown_text("`a|b`"), markdown_text("# 1"), markdown_text("1. x")
    ('<code>a&#124;b</code>', '\\# 1', '1\\. x')
    >>> markdown_text("0.8 [0.7, 0.9]"), markdown_text("[x](y)")
    ('0.8 [0.7, 0.9]', '[x\\](y)')
    """
    line = " ".join(text.split())
    written = "".join(
        _markdown_code(part) if is_code else _markdown_plain(part)
        for part, is_code in text_parts(line)
    )
    # What would begin a heading or a list does not.
    return _BLOCK.sub(r"\1\\\2", written)


def _markdown_plain(part: str) -> str:
    marked = _MARKDOWN.sub(r"\\\g<0>", _ENTITY.sub("&amp;", part))
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def _markdown_code(part: str) -> str:
    """Write code; with entities where a character would end it, or the cell it is in."""
    if not _IN_CODE.search(part):
        return f"`{part}`"
    return f"<code>{_IN_CODE.sub(lambda found: f'&#{ord(found[0])};', part)}</code>"


def text_parts(text: str) -> list[tuple[str, bool]]:
    """Split a text into plain parts and code; backticks that do not pair are plain."""
    parts = text.split("`")
    if len(parts) % 2 == 0 or "``" in text:
        return [(text, False)]
    return [(part, place % 2 == 1) for place, part in enumerate(parts) if part]


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("groundswell.web"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["html_text"] = html_text
    found.filters["html_figure"] = html_figure
    found.filters["markdown_text"] = markdown_text
    found.filters["text_table"] = text_table
    return found
