"""What the commands print: tables for people on stdout, messages on stderr, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundswell.errors import Problem

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """Write `value` to stdout as one indented JSON document."""
    json.dump(as_plain(value), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_problems(problems: Iterable[Problem]) -> None:
    """Write problems to stderr: where and code, then what, then fix."""
    for problem in problems:
        head = Text()
        if problem.where:
            head.append(f"{problem.where}  ", style="bold")
        if problem.path:
            head.append(f"{problem.path}  ")
        head.append(f"[{problem.code}]", style="red")
        err.print(head, soft_wrap=True)
        err.print(Text(f"  what  {problem.what}"), soft_wrap=True)
        err.print(Text(f"  fix   {problem.fix}"), soft_wrap=True)


def loading_bar() -> Progress:
    """Return the bar that `load` shows while it reads; silent when stderr is no terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def number(value: Any) -> str:
    """Write a figure for a table: thousands separated, no needless decimals.

    >>> number(1234567), number(4.0), number(0.25), number(None)
    ('1,234,567', '4', '0.25', 'unknown')
    """
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    return str(value)


def counted(count: int, noun: str) -> str:
    """Write how many there are of something.

    >>> counted(1, "account"), counted(1200, "new entry")
    ('1 account', '1,200 new entries')
    """
    if count == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {plural}"
