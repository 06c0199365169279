"""The options that the commands of the lab have in common."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from groundswell.cli.output import err, number
from groundswell.errors import Problem, UsageError, did_you_mean

if TYPE_CHECKING:
    from groundswell.engine.lab import Figure

OutcomeName = Literal["converted", "expanded", "won", "any"]

OutcomeOption = Annotated[
    str | None,
    typer.Option("--outcome", help="converted, expanded, won or any; default: as configured."),
]
HorizonOption = Annotated[
    int | None,
    typer.Option("--horizon", min=1, help="Days in which it has to come; default: as configured."),
]
WeeksOption = Annotated[
    int, typer.Option("--weeks", min=1, max=520, help="The last so many whose horizon is over.")
]
CapacityOption = Annotated[
    int | None,
    typer.Option("--capacity", min=1, help="Accounts people can take up a week; as configured."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of what goes by chance.")]
WhoOption = Annotated[
    str | None, typer.Option("--by", help="Who does it; default: you, by your login.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write a report with pictures: FILE.html, FILE.md or FILE.pdf."),
]


def parse_outcome(text: str) -> OutcomeName:
    """Return the outcome a user named.

    Raises:
        UsageError: There is no such outcome.
    """
    known: tuple[OutcomeName, ...] = get_args(OutcomeName)
    for outcome in known:
        if text == outcome:
            return outcome
    raise UsageError(
        Problem(
            code="usage-outcome",
            what=f"`{text}` is no outcome that is known here.",
            fix=did_you_mean(text, known, noun="Choose from"),
        )
    )


def outcome_or_none(text: str | None) -> OutcomeName | None:
    """Return the outcome a user named, or None when none was."""
    return None if text is None else parse_outcome(text)


def whoever(told: str | None) -> str:
    """Return who does something: as told, or by the login."""
    if told:
        return told
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return "somebody"


def with_interval(figure: Figure | None, *, digits: int = 3, percent: bool = False) -> str:
    """Write a figure with its interval.

    >>> from groundswell.scoring.learning.measures import Figure
    >>> with_interval(Figure(0.8123, 0.79, 0.83)), with_interval(None)
    ('0.812 [0.790, 0.830]', 'not known')
    >>> with_interval(Figure(0.25, 0.2, 0.31), percent=True)
    '25% [20%, 31%]'
    """
    if figure is None:
        return "not known"
    form = ".0%" if percent else f".{digits}f"
    return f"{figure.value:{form}} [{figure.low:{form}}, {figure.high:{form}}]"


def check_out(path: Path | None) -> None:
    """Refuse a report whose name has no form that is known, before anything is computed.

    Raises:
        UsageError: It has none.
    """
    if path is None:
        return
    from groundswell.web.lab_report import check_path  # noqa: PLC0415 - drawing takes a second

    check_path(path)


def write_out(found: Any, path: Path | None, *, title: str) -> None:
    """Write a report, where one is asked for, and say which files it is.

    Raises:
        UsageError: The file cannot be written, or has no form that is known.
    """
    if path is None:
        return
    from groundswell.web.lab_report import write_report  # noqa: PLC0415 - drawing takes a second

    written = write_report(found, path, title=title)
    more = f" and {number(len(written) - 1)} pictures" if len(written) > 1 else ""
    err.print(f"Written: {written[0]}{more}.", soft_wrap=True)
