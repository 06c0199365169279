"""A small export of the mobile app as CSV: good rows, and the ways CSV goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.arrays import DAY_US, Stream, generator
from groundswell.demo.csvfiles import instants, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from groundswell.demo.cast import Cast
    from groundswell.demo.directory import Directory

SHARE = 0.1  # of people, with one event each

BROKEN = (
    "mob-x1,u-000001,,Board Viewed,yesterday,{}",
    "mob-x2,,,Board Viewed,2026-01-05T10:00:00Z,{}",
    'mob-x3,u-000001,,Board Viewed,2026-01-06T10:00:00Z,"{""board"": "',
    "mob-x4,u-000001,,Board Viewed,2026-01-07T10:00:00Z",
    "mob-x5,u-000001,,Board Viewed,2026-01-08T10:00:00Z,{},one,two,too many",
    "mob-x6,u-000001,,,2026-01-09T10:00:00Z,{}",
    "mob-x7,u-000001,,Board Viewed,2051-01-10T10:00:00Z,{}",
    "mob-x8,u-000001,,Board Viewed,2026-02-30T10:00:00Z,{}",
)


def write_backfill(path: Path, cast: Cast, directory: Directory, *, seed: int, last: int) -> Path:
    """Write the export; BROKEN lines are spread through it."""
    rng = generator(seed, Stream.LATE)
    seats = cast.seats
    home = np.arange(len(cast.people))
    alive = (seats.join[home] + 1 < np.minimum(seats.until[home], last + 1)) & (
        seats.join[home] < last - 1
    )
    who = home[alive & (rng.random(len(home)) < SHARE)]
    start, stop = seats.join[who] + 1, np.minimum(seats.until[who], last + 1)
    fade = np.where(seats.fade[who] > 0, seats.fade[who], 400.0)
    ahead = np.minimum(rng.exponential(1.0, len(who)) * fade, (stop - start - 1) * 0.999)
    day = start + np.floor(ahead)
    at = day.astype(np.int64) * DAY_US + rng.integers(13 * 3600, 15 * 3600, len(who)) * 1_000_000
    boards = ("Sprint", "Backlog", "Launch")
    account = seats.account[who]
    named = cast.accounts.grouped & ~directory.solo
    write_csv(
        path,
        {
            "message_id": [f"mob-{number:06d}" for number in range(len(who))],
            "user_id": [directory.user_ids[n] for n in who.tolist()],
            "account_id": [
                directory.account_ids[n] if named[n] else None for n in account.tolist()
            ],
            "event": ["Board Viewed"] * len(who),
            "timestamp": list(instants(at)),
            "properties": [
                f'{{"board": "{boards[n]}", "app": "mobile"}}' for n in rng.integers(0, 3, len(who))
            ],
        },
        broken=BROKEN,
    )
    return path
