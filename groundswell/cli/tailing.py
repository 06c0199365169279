"""The command that shows what happens as it happens: tail."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from groundswell.api.feed_reader import Back, FeedReader, Gone, Heard, Lost
from groundswell.api.operations import FeedArguments
from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.output import counted, err, out
from groundswell.engine.reports import Notice, NoticeKind
from groundswell.errors import Problem, UsageError
from groundswell.model import as_plain

KINDS: tuple[NoticeKind, ...] = ("event", "crossing", "trigger", "decision", "reject")
_STYLES = {"crossing": "bold green", "trigger": "yellow", "decision": "bold", "reject": "red"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@app.command()
def tail(
    account: Annotated[str | None, typer.Option(help="Only this account, by its id.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help=f"Only these: {', '.join(KINDS)}; repeatable.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Begin with what came within the last 30s, 10m, 2h."),
    ] = None,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Show events, crossings, triggers and decisions as they happen, until Ctrl-C."""
    asked = FeedArguments(account=account, kind=_kinds(kind or []), since=_instant(since))
    reader = FeedReader(project, asked)
    try:
        for heard in reader.listen():
            if json:
                _print_json(heard)
            else:
                _print(heard)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:  # whoever read it has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _kinds(given: list[str]) -> list[NoticeKind]:
    wrong = [name for name in given if name not in KINDS]
    if wrong:
        raise UsageError(
            Problem(
                code="usage-kind",
                what=f"`{wrong[0]}` is no kind of notice.",
                fix=f"Choose from {', '.join(KINDS)}.",
            )
        )
    return [name for name in KINDS if name in given]


def _instant(text: str | None) -> datetime | None:
    """Return when a time such as `10m` ago was, or None when none was given.

    Raises:
        UsageError: The text is no such time.
    """
    if text is None:
        return None
    said = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if said is None:
        raise UsageError(
            Problem(
                code="usage-since",
                what=f"`{text}` is not a length of time.",
                fix="Write seconds, minutes, hours or days, such as 30s, 10m, 2h, 1d.",
            )
        )
    return datetime.now(UTC) - timedelta(**{_UNITS[said[2]]: int(said[1])})


def _print_json(heard: Heard) -> None:
    """Write one line; that the server comes and goes is said beside."""
    if isinstance(heard, Gone | Back):
        _print(heard)
        return
    told = {"lost": heard.count} if isinstance(heard, Lost) else as_plain(heard)
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    sys.stdout.flush()


def _print(heard: Heard) -> None:
    match heard:
        case Notice():
            out.print(_line(heard), soft_wrap=True)
        case Lost():
            err.print(f"{counted(heard.count, 'notice')} lost: they came too fast.", soft_wrap=True)
        case Gone():
            said = "The server stopped" if heard.told else "The server is gone"
            err.print(f"{said}; waiting for it to come back.", soft_wrap=True)
        case Back():
            err.print("The server is back.")


def _line(notice: Notice) -> Text:
    """Return time, source, what, who, account and a sentence; what is unknown is a dash."""
    line = Text(f"{notice.at.astimezone():%H:%M:%S} ", style="dim")
    line.append(f"{notice.kind:<8} ", style=_STYLES.get(notice.kind, ""))
    for value, width in (
        (notice.source, 12),
        (notice.what, 24),
        (notice.who, 16),
        (notice.account, 16),
    ):
        line.append(f"{_printable(value or '-'):<{width}} ")
    line.append(_printable(notice.sentence))
    return line


def _printable(text: str) -> str:
    """Return what a client said without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
