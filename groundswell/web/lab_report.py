"""Reports of the lab: what was found, in words, figures and pictures, as HTML or as Markdown.

A report says first what follows from the numbers. It says nothing that they do not: a figure that
is not there is `not known`, and few accounts are called few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.engine.reports import Explanation
from groundswell.errors import Problem, UsageError
from groundswell.scoring.learning.backtest import Backtest
from groundswell.scoring.learning.comparison import Comparison
from groundswell.web.document import Report, to_html, to_markdown
from groundswell.web.proof_report import report_backtest, report_comparison
from groundswell.web.score_report import report_explanation
from groundswell.web.study_report import report_study
from groundswell.web.typesetting import to_pdf

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.scoring.learning.study import Study

FORMS = (".html", ".md", ".pdf")
"""How the name of a report may end."""


def write_report(
    found: Study | Backtest | Comparison | Explanation, path: Path, *, title: str
) -> list[Path]:
    """Write a report, and return the files that it is; the report itself is the first.

    One that ends with `.html` or `.pdf` is a single file. Beside one that ends with `.md` lies an
    SVG file for each picture, named after both.

    Args:
        found: What it is about.
        path: Where it goes; what is there is overwritten.
        title: What stands on top of it.

    Raises:
        UsageError: The file has another ending, or cannot be written.
    """
    return write_document(report_of(found, title=title), path)


def write_document(report: Report, path: Path) -> list[Path]:
    """Write a document, and return the files that it is; see `write_report`.

    Raises:
        UsageError: The file has another ending, or cannot be written.
    """
    check_path(path)
    svgs = report.render_pictures()
    texts: dict[Path, str] | dict[Path, bytes]
    if path.suffix.lower() == ".html":
        texts = {path: to_html(report, svgs)}
    elif path.suffix.lower() == ".pdf":
        texts = {path: to_pdf(report, svgs)}
    else:
        files = {name: path.with_name(f"{path.stem}-{name}.svg") for name in svgs}
        names = {name: file.name for name, file in files.items()}
        texts = {path: to_markdown(report, names)} | {files[name]: svgs[name] for name in svgs}
    try:
        for file, text in texts.items():
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
    except OSError as error:
        raise _unwritable(str(error)) from None
    return list(texts)


def report_of(found: Study | Backtest | Comparison | Explanation, *, title: str) -> Report:
    """Return what a report says, before it is written in one form or another."""
    if isinstance(found, Backtest):
        return report_backtest(found, title=title)
    if isinstance(found, Comparison):
        return report_comparison(found, title=title)
    if isinstance(found, Explanation):
        return report_explanation(found, title=title)
    return report_study(found, title=title)


def check_path(path: Path) -> None:
    """Refuse a file that no report can go to; best asked before what it is of is computed.

    Raises:
        UsageError: Its ending names no form of a report, or its folder is not there.
    """
    if path.suffix.lower() not in FORMS:
        raise UsageError(
            Problem(
                code="report-form",
                what=f"`{path.name}` names no form that a report can have.",
                fix="Let the name of the file end with .html for a page, with .md for Markdown, or "
                "with .pdf.",
            )
        )
    if not path.parent.is_dir():
        raise _unwritable(f"there is no folder {path.parent}")


def _unwritable(why: str) -> UsageError:
    return UsageError(
        Problem(
            code="out-file",
            what=f"The report cannot be written: {why}.",
            fix="Name a file in a folder that is there, and that you may write to.",
        )
    )
