"""No secret of a URL is shown, whatever fails."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest

from groundswell.errors import StoreError
from groundswell.store.ledger import open_ledger
from groundswell.store.urls import redact, scheme_of, shown
from groundswell.store.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLOSED = "postgresql://me:s3cr%40t@127.0.0.1:1/x?sslpassword=hunter%232"
SECRETS = ("s3cr%40t", "s3cr@t", "hunter%232", "hunter#2")


@pytest.mark.postgres
@pytest.mark.parametrize("open_store", [open_warehouse, open_ledger])
@pytest.mark.parametrize("url", [CLOSED, CLOSED.replace("127.0.0.1:1", "[bad"), CLOSED + "&no=1"])
def test_a_failed_connection_shows_no_secret(
    open_store: Callable[[str, Path], object],
    url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreError) as refused:
        open_store(url, tmp_path)
    told = "".join(traceback.format_exception(refused.value)) + caplog.text
    for secret in SECRETS:
        assert secret not in told
    assert "***" in str(refused.value)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("postgresql://u:p@ss@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=pw1", "postgresql://h/d?user=u&password=***"),
        (
            "spark://h:7077?path=/d&spark.auth.secret=zzz",
            "spark://h:7077?path=/d&spark.auth.secret=***",
        ),
        ("duckdb", "duckdb"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, safe: str) -> None:
    assert shown(url) == safe


def test_text_is_cleaned_of_the_decoded_secret_too() -> None:
    assert redact("denied: s3cr@t and s3cr%40t", url=CLOSED) == "denied: *** and ***"


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("duckdb", "duckdb"),
        ("spark://local[2]?path=/x", "spark"),
        ("PostgreSQL://h/d", "postgresql"),
    ],
)
def test_the_scheme_is_what_stands_first(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme
