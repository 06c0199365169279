"""Make the demo company: everything it loads, and the truth it never loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from groundswell.clock import day_from_number, day_number
from groundswell.demo.activity import Activity
from groundswell.demo.archetypes import ARCHETYPES
from groundswell.demo.arrays import NEVER
from groundswell.demo.backfill import write_backfill
from groundswell.demo.calendars import build_calendar
from groundswell.demo.cast import build_cast
from groundswell.demo.catalogue import Templates
from groundswell.demo.directory import build_directory, seat_labels
from groundswell.demo.eventfiles import Written, labels_of, write_events
from groundswell.demo.records import Records
from groundswell.demo.story import Story

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.demo.cast import Cast
    from groundswell.demo.directory import Directory

END = date(2026, 6, 30)


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """What was generated.

    Attributes:
        folder: Where everything stands.
        end: Last day of the history: the day to run as of.
        config: The project's groundswell.yaml.
        loads: Files by kind, in the order to load them.
        truth: One row per account; nothing in the product reads it.
        accounts: How many accounts.
        people: How many people.
        events: Rows in the event files, the broken and repeated ones included.
        broken: Event rows that belong in quarantine.
        repeated: Event rows that repeat a message.
        late: Event rows that were received a week or more after they happened.
        rows: Rows of each other table, broken lines not counted.
    """

    folder: Path
    end: date
    config: Path
    loads: dict[str, tuple[Path, ...]]
    truth: Path
    accounts: int
    people: int
    events: int
    broken: int
    repeated: int
    late: int
    rows: dict[str, int] = field(default_factory=dict[str, int])


def generate(
    folder: Path,
    *,
    accounts: int = 2000,
    months: int = 18,
    seed: int = 7,
    end: date = END,
    events: int | None = None,
    crowd: float = 1.0,
) -> DemoCompany:
    """Write a company's files, the same ones for the same arguments, byte for byte.

    Memory stays bounded whatever the number of events: they are made some days at a time, and
    written in slices.

    Args:
        folder: Where to write; made when missing. Files of an earlier company are overwritten.
        accounts: How many accounts.
        months: Length of the history in calendar months, that of `end` included.
        seed: Any whole number from 0; another seed is another company.
        end: Last day of the history.
        events: About how many events to make; by default, what the accounts come to.
        crowd: Multiplies the size of every team.
    """
    first, last = _first_day(end, months), day_number(end)
    folder.mkdir(parents=True, exist_ok=True)
    calendar = build_calendar(first=first, last=last + 1)
    cast = build_cast(
        accounts=accounts, seed=seed, calendar=calendar, first=first, last=last, crowd=crowd
    )
    directory = build_directory(cast, seed=seed)
    templates = Templates.build()
    activity = Activity(cast, calendar, templates.mix_tables(), seed)
    story = Story(cast, calendar, templates, seed=seed, last=last).tell(
        emails=directory.email, roles=list(directory.title)
    )
    if events is not None:
        activity.scale = 1.0
        wanted = max(events - len(story), 1)
        activity.scale = wanted / activity.expected(first=first, last=last)
    users, labels = seat_labels(cast, directory)
    visitors = int(story.visitor.max()) + 1
    texts = labels_of(users=users, accounts=labels, visitors=visitors, templates=templates)
    written = write_events(
        folder / "events", activity=activity, story=story, labels=texts, first=first, last=last
    )
    records = Records(cast, directory, calendar, seed=seed, last=last)
    tables = records.write(folder)
    backfill = write_backfill(folder / "events-mobile.csv", cast, directory, seed=seed, last=last)
    config = _write_config(folder, directory)
    truth = _write_truth(folder / "truth.parquet", cast, directory)
    return _company(
        folder,
        end=end,
        config=config,
        truth=truth,
        cast=cast,
        written=written,
        tables=tables,
        backfill=backfill,
        rows=records.rows,
    )


def _company(
    folder: Path,
    *,
    end: date,
    config: Path,
    truth: Path,
    cast: Cast,
    written: Written,
    tables: list[Path],
    backfill: Path,
    rows: dict[str, int],
) -> DemoCompany:
    loads: dict[str, tuple[Path, ...]] = {path.stem: (path,) for path in tables}
    loads["events"] = (*written.files, backfill)
    return DemoCompany(
        folder=folder,
        end=end,
        config=config,
        loads=loads,
        truth=truth,
        accounts=len(cast.accounts),
        people=len(cast.people),
        events=written.rows,
        broken=written.broken,
        repeated=written.repeated,
        late=written.late,
        rows=rows,
    )


def _first_day(end: date, months: int) -> int:
    """Return the first day of the month `months` - 1 before that of `end`."""
    index = end.year * 12 + end.month - months
    return day_number(date(index // 12, index % 12 + 1, 1))


def _write_config(folder: Path, directory: Directory) -> Path:
    """Write the project's groundswell.yaml: the shipped one, and the domains made here."""
    text = files("groundswell.presets").joinpath("demo.yaml").read_text(encoding="utf-8")
    pairs = [
        f"    {second}: {domain}"
        for second, domain in zip(directory.second_domain, directory.domain, strict=True)
        if second and domain
    ]
    path = folder / "groundswell.yaml"
    aliases = "\n".join(pairs[:MOST_ALIASES]) or "    {}"
    path.write_text(text.replace("    # <aliases>", aliases), encoding="utf-8", newline="")
    return path


MOST_ALIASES = 200


def _write_truth(path: Path, cast: Cast, directory: Directory) -> Path:
    """Write what is true of each account. For the tests and the reader, never for the product."""
    table = cast.accounts
    pays = table.converts < NEVER
    days = np.where(pays, table.converts, 0).tolist()
    paying = zip(days, pays.tolist(), strict=True)
    moments = table.moment.tolist()
    truth = pa.table(
        {
            "account_id": directory.account_ids,
            "user_id": [directory.user_ids[seat] for seat in table.first_seat.tolist()],
            "archetype": [ARCHETYPES[kind].name for kind in table.archetype.tolist()],
            "will_convert": pays,
            "converts_on": pa.array(
                [day_from_number(day) if yes else None for day, yes in paying], pa.date32()
            ),
            "moment": pa.array([day_from_number(day) for day in moments], pa.date32()),
            "is_bot": table.bot,
            "why": [ARCHETYPES[kind].why for kind in table.archetype.tolist()],
        }
    )
    pq.write_table(truth, path, compression="zstd")
    return path
