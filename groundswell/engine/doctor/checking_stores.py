"""Checks of what is kept: configuration, ledger, warehouse, inbox, quarantine, journal, sources."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.engine.deciding import DECIDED, RELEASED
from groundswell.engine.reports import Check
from groundswell.store.nearby import read_frame

if TYPE_CHECKING:
    from datetime import date

    from groundswell.engine.project import Project

WAITING = timedelta(minutes=1)
"""A request that has been in the inbox for longer should have been drained."""

SILENT = timedelta(days=7)
"""A source that sends of its own accord and has not for so long is told of."""

_SHOWN = 10


def check_configuration(project: Project) -> Check:
    """Load the file as it is now, which may be another than the one in use."""
    there = load_config(project.root / CONFIG_FILE)
    if there.fingerprint() == project.loaded.fingerprint():
        return Check("", "ok", f"{CONFIG_FILE} loads.")
    return Check(
        "",
        "warning",
        f"{CONFIG_FILE} was changed since the server read it.",
        "Restart the server, so that it reads it again.",
    )


def check_ledger(project: Project) -> Check:
    """See that the ledger answers, and stands at the newest revision."""
    health = project.ledger.health(thorough=False)
    if health.revision == health.newest:
        return Check("", "ok", f"{health.engine} answers; revision {health.revision}.")
    return Check(
        "",
        "failed",
        f"It stands at revision {health.revision}, and this version needs {health.newest}.",
        "Open it once with the version that is to use it; a server that runs must be restarted.",
    )


def check_ledger_pages(project: Project) -> Check:
    """Have SQLite read every page of the ledger."""
    health = project.ledger.health(thorough=True)
    if not health.faults:
        return Check("", "ok", f"{health.engine} finds no fault in it.")
    return Check(
        "",
        "failed",
        f"The file is damaged: {'; '.join(health.faults[:_SHOWN])}.",
        "Stop the server, keep a copy, and restore the file from a backup, "
        "or save what can be read with `sqlite3 ledger.sqlite .recover`.",
    )


def check_warehouse(project: Project) -> Check:
    """See that the warehouse answers."""
    select = exp.select(exp.alias_(exp.Count(this=exp.Star()), "events")).from_("events")
    events = int(read_frame(project.warehouse, select)["events"][0])
    return Check("", "ok", f"{project.warehouse.dialect} answers; {events:,} events.")


def check_events_once(project: Project) -> Check:
    """See that no event is stored twice."""
    count = exp.Count(this=exp.Star())
    select = (
        exp.select("source", "message_id", exp.alias_(count, "times"))
        .from_("events")
        .group_by("source", "message_id")
        .having(exp.GT(this=count.copy(), expression=exp.Literal.number(1)))
    )
    twice = read_frame(project.warehouse, select).sort("source", "message_id")
    if twice.is_empty():
        return Check("", "ok", "Every event is stored once.")
    named = [f"{source} {name}" for source, name, _ in twice.head(_SHOWN).iter_rows()]
    more = "" if twice.height <= _SHOWN else ", ..."
    return Check(
        "",
        "failed",
        f"{twice.height:,} events are stored more than once: {', '.join(named)}{more}.",
        "Something wrote to the warehouse beside Groundswell. Delete what is there twice with the "
        "warehouse's own tools, then `groundswell run`.",
    )


def check_events_named(project: Project) -> Check:
    """See that every event has a person and a name."""
    missing: list[str] = []
    for table, column, noun in (
        ("actors", "actor", "whose actor is not known"),
        ("event_names", "event_id", "whose name is not known"),
    ):
        same = exp.EQ(this=exp.column(column, "t"), expression=exp.column(column, "e"))
        select = (
            exp.select(exp.alias_(exp.Count(this=exp.Star()), "missing"))
            .from_(exp.to_table("events").as_("e"))
            .join(exp.to_table(table).as_("t"), on=same, join_type="left")
            .where(exp.Is(this=exp.column(column, "t"), expression=exp.null()))
        )
        count = int(read_frame(project.warehouse, select)["missing"][0])
        missing += [f"{count:,} events {noun}"] if count else []
    if not missing:
        return Check("", "ok", "Every event has an actor and a name.")
    return Check(
        "",
        "failed",
        f"There are {' and '.join(missing)}; they count for nobody.",
        "Something wrote to the warehouse beside Groundswell: restore it from a backup, "
        "or load the sources into a new project.",
    )


def check_inbox(project: Project) -> Check:
    """Say how much waits to be drained, and since when."""
    entries, since = project.ledger.waiting()
    if since is None:
        return Check("", "ok", "Nothing waits.")
    age = project.clock.now() - since
    detail = f"{entries:,} requests wait, the oldest since {since:%Y-%m-%d %H:%M:%S} UTC."
    if age <= WAITING:
        return Check("", "ok", detail)
    fix = "A server that runs drains it: start `groundswell serve`, or see in its log why not."
    return Check("", "warning", detail, fix)


def check_quarantine(project: Project) -> Check:
    """Say how much waits in quarantine, by reason."""
    reasons = project.ledger.open_reasons()
    if not reasons:
        return Check("", "ok", "Nothing is in quarantine.")
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{code} {count:,}" for code, count in most[:_SHOWN])
    return Check(
        "",
        "warning",
        f"{sum(reasons.values()):,} wait: {told}.",
        "See `groundswell quarantine list`; mend the source or its `sources:` entry, "
        "then `groundswell quarantine replay`.",
    )


def check_write_keys(project: Project) -> Check:
    """Tell of write keys with which nothing ever came."""
    good = {key.name for key in project.ledger.write_keys() if key.revoked_at is None}
    came = {state.source for state in project.sources() if state.events or state.waiting}
    unused = sorted(good - came)
    if not unused:
        return Check("", "ok", f"{len(good)} sources have one." if good else "There are none.")
    return Check(
        "",
        "warning",
        f"Nothing ever came from {', '.join(unused)}, which may send.",
        "Look at the host and the key that the client is given, "
        "or take the key back with `groundswell keys revoke NAME`.",
    )


def check_sources(project: Project) -> Check:
    """Tell of sources that sent, and have not for long."""
    now = project.clock.now()
    live = [state for state in project.sources() if state.wire is not None]
    silent = [
        f"{state.source} (last {state.last_received_at:%Y-%m-%d})"
        for state in live
        if state.last_received_at is not None and now - state.last_received_at > SILENT
    ]
    if not silent:
        return Check("", "ok", f"None of {len(live)} that send has been silent for long.")
    return Check(
        "",
        "warning",
        f"Silent for more than {SILENT.days} days: {', '.join(silent)}.",
        "Look at whether the client still sends, and to this host; see `groundswell sources`.",
    )


def check_journal(project: Project) -> Check:
    """See that no account was handed over again before it was released.

    What was decided for an earlier day, later on, does not see what was decided for days after it.
    """
    handed: dict[str, list[date]] = defaultdict(list)
    released: dict[str, list[date]] = defaultdict(list)
    wrong: list[str] = []
    for entry in project.ledger.journal(kinds=(DECIDED, RELEASED)):
        if entry.kind == RELEASED:
            released[entry.account_id].append(entry.as_of)
            continue
        if not entry.body["hand_over"]:
            continue
        before = max((day for day in handed[entry.account_id] if day < entry.as_of), default=None)
        let_go = released[entry.account_id]
        if before and not any(before <= day < entry.as_of for day in let_go):
            wrong.append(f"{entry.account_id} on {before} and {entry.as_of}")
        handed[entry.account_id].append(entry.as_of)
    if not wrong:
        return Check("", "ok", f"{len(handed):,} accounts were handed over, each once at a time.")
    more = "" if len(wrong) <= _SHOWN else ", ..."
    return Check(
        "",
        "failed",
        f"Handed over twice without a release between: {', '.join(wrong[:_SHOWN])}{more}.",
        "See `groundswell journal --account ID`; the journal is never changed, "
        "so tell whoever works the account.",
    )
