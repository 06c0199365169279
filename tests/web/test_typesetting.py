"""A report as a PDF: whole, the same each time, and no text in it is markup."""

from __future__ import annotations

import pytest

from groundswell.web.document import Report, Section, Table
from groundswell.web.typesetting import to_pdf

HOSTILE = '#panic("out") *bold* $x$ <label> @ref `code` [x] \\ // rest'


def report(text: str) -> Report:
    table = Table(("who", "count"), ((text, "12 [3, 20]"), ("Ann", "")))
    return Report(text, text, (text,), (Section(text, (text,), table, (text,)),))


def test_a_pdf_is_whole_and_the_same_each_time():
    first = to_pdf(report("plain"), {})
    assert first.startswith(b"%PDF-")
    assert first.rstrip().endswith(b"%%EOF")
    assert to_pdf(report("plain"), {}) == first


@pytest.mark.parametrize("text", [HOSTILE, "", "=", "- ", "ünï — ₿", '"\\'])
def test_no_text_is_markup(text):
    assert to_pdf(report(text), {}).startswith(b"%PDF-")
