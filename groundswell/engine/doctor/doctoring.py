"""Checking that a project is sound: every check says what it found, and what to do about it.

A check that cannot be made has failed too. Those that read everything - every event, every account,
the whole journal - are left out of a quick look; each says how long it took.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundswell.engine.doctor import checking_numbers, checking_selling, checking_stores
from groundswell.engine.reports import Check
from groundswell.errors import GroundswellError

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.engine.project import Project


@dataclass(frozen=True, slots=True)
class _Row:
    """One check.

    Attributes:
        name: What it is called.
        look: Makes it.
        whole: Whether it reads everything.
    """

    name: str
    look: Callable[[Project], Check]
    whole: bool = False


_ROWS = (
    _Row("configuration", checking_stores.check_configuration),
    _Row("ledger", checking_stores.check_ledger),
    _Row("ledger pages", checking_stores.check_ledger_pages, whole=True),
    _Row("warehouse", checking_stores.check_warehouse),
    _Row("events once", checking_stores.check_events_once, whole=True),
    _Row("events named", checking_stores.check_events_named, whole=True),
    _Row("inbox", checking_stores.check_inbox),
    _Row("quarantine", checking_stores.check_quarantine),
    _Row("write keys", checking_stores.check_write_keys),
    _Row("sources", checking_stores.check_sources),
    _Row("journal", checking_stores.check_journal, whole=True),
    _Row("score version", checking_numbers.check_version),
    _Row("roll-up", checking_numbers.check_rollup),
    _Row("roll-up counts", checking_numbers.check_rollup_counts, whole=True),
    _Row("kernel = SQL", checking_numbers.check_oracle, whole=True),
    _Row("kernel = arrays", checking_numbers.check_arrays, whole=True),
    _Row("live = whole", checking_numbers.check_live, whole=True),
    _Row("mistakes", checking_selling.check_mistakes, whole=True),
)


def run_checks(project: Project, *, quick: bool = False) -> list[Check]:
    """Make every check of a project that is open; see `Project.doctor`."""

    def looked(row: _Row) -> Check:
        return attempt(row.name, lambda: row.look(project))

    return [looked(row) for row in _ROWS if not (quick and row.whole)]


def attempt(name: str, look: Callable[[], Check]) -> Check:
    """Make one check; an error is what it found."""
    began = time.monotonic()
    try:
        found = look()
    except GroundswellError as error:
        what = " ".join(problem.what for problem in error.problems)
        found = Check(name, "failed", what, error.problems[0].fix)
    except Exception as error:  # noqa: BLE001 - what was found may be anything; the rest goes on
        said = f"It could not be looked at: {type(error).__name__}: {error}"
        found = Check(name, "failed", said, "Look at the log of the server; please report it.")
    return replace(found, name=name, seconds=round(time.monotonic() - began, 3))
