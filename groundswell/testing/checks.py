"""What every destination keeps to, each as a function that raises where one does not.

They need nothing but a `Subject`; an `AssertionError` says what was expected and what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from groundswell.config.columns import COLUMNS
from groundswell.connectors.deliveries import DeliveryKind
from groundswell.connectors.destination import (
    Forgetful,
    Gathers,
    Limits,
    Previews,
    ReadsBack,
    ReadsRecords,
)
from groundswell.testing.samples import HOSTILE_LINE, HOSTILE_TEXT, sample
from groundswell.testing.steps import (
    attempt,
    expect,
    expect_arrived,
    expect_failure,
    expect_no_secret,
    put,
    put_account,
    samples,
    send,
    send_in_batches,
)
from groundswell.testing.subject import NotOffered, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.connectors.destination import Destination

_NAMED = frozenset({*DeliveryKind} - {DeliveryKind.NOTE})
"""Kinds whose delivery has a name of one line."""

_WORDED = frozenset(
    {DeliveryKind.ACCOUNT, DeliveryKind.TASK, DeliveryKind.NOTE, DeliveryKind.MESSAGE}
)
"""Kinds whose delivery has a text of several lines."""


def type_is_whole(subject: Subject) -> None:
    """The type names itself, what it takes, and how much of it."""
    found = subject.type
    expect(found.name == found.name.lower().strip(), "the name is written in small letters")
    expect(found.title and found.doc, "the title and the doc say something")
    expect(found.kinds, "it takes at least one kind of delivery")
    expect(found.batch >= 1, "a batch holds at least one delivery")
    expect(isinstance(subject.settings, found.settings), "the settings are of the type's struct")


def settings_forbid_unknown_keys(subject: Subject) -> None:
    """A key that is not known is refused, so that a typing mistake is told."""
    known = msgspec.to_builtins(subject.settings)
    msgspec.convert(known, subject.type.settings)
    try:
        msgspec.convert({**known, "no_such_key": 1}, subject.type.settings)
    except msgspec.ValidationError:
        return
    raise AssertionError("settings take an unknown key: add `forbid_unknown_fields=True`")


def secrets_are_hidden(subject: Subject) -> None:
    """Neither the settings nor the destination shows a secret."""
    if not subject.secrets:
        raise NotOffered("The subject names no secrets.")
    with subject.opened() as destination:
        for shown in (repr(subject.settings), str(subject.settings), repr(destination)):
            expect_no_secret(subject, shown)


def check_changes_nothing(subject: Subject) -> None:
    """`check` finds all well with a system that is well, and leaves it as it was."""
    before = subject.state()
    with subject.opened() as destination:
        findings = destination.check()
    expect(findings, "`check` says what it checked")
    wrong = [finding for finding in findings if not finding.ok]
    expect(not wrong, f"`check` finds fault with the system under test: {wrong}")
    expect(all(finding.name and finding.said for finding in findings), "a finding says something")
    expect(subject.state() == before, "`check` changed the system")


def every_kind_is_sent(subject: Subject) -> None:
    """Each kind that the type names arrives, once."""
    for delivery in samples(subject, "sent"):
        with subject.opened() as destination:
            put(subject, destination, delivery)
        expect_arrived(subject, delivery)


def a_repeat_has_no_effect(subject: Subject) -> None:
    """A delivery sent again by the same key, by this process or the next, is there once."""
    if not subject.tells_repeats:
        raise NotOffered("The system cannot tell a repeated key.")
    for delivery in samples(subject, "twice"):
        with subject.opened() as destination:
            put(subject, destination, delivery)
            send(destination, [delivery])
            expect_arrived(subject, delivery)
        with subject.opened() as destination:
            send(destination, [delivery])
        expect_arrived(subject, delivery)


def a_refusal_is_of_one(subject: Subject) -> None:
    """Of a batch, only the delivery that cannot be taken is refused, and it is said why."""
    if subject.spoil is None:
        raise NotOffered("The system refuses no delivery.")
    for kind in sorted(subject.type.kinds):
        good = [sample(kind, f"good-{number}") for number in (1, 2)]
        bad = subject.spoil(sample(kind, "bad"))
        with subject.opened() as destination:
            for delivery in (*good, bad):
                put_account(subject, destination, delivery)
            by_key = send_in_batches(subject, destination, [good[0], bad, good[1]])
        refused = by_key[bad.key]
        expect(refused.status == "refused", f"{kind}: {refused} where a refusal was due")
        expect(refused.reason and refused.fix, f"{kind}: a refusal says why and how to mend it")
        expect_no_secret(subject, f"{refused}")
        expect(subject.arrived(bad) == 0, f"{kind}: what was refused is there all the same")
        for delivery in good:
            outcome = by_key[delivery.key]
            expect(outcome.status == "sent", f"{kind}: {outcome}, beside one that was refused")
            expect_arrived(subject, delivery)


def find_knows_what_arrived(subject: Subject) -> None:
    """`find` names what is there, by the id that sending told, and nothing else."""
    for delivery in samples(subject, "found"):
        absent = sample(delivery.kind, "absent")
        with subject.opened() as destination:
            if not isinstance(destination, ReadsBack):
                raise NotOffered("The destination cannot be asked what arrived.")
            outcome = put(subject, destination, delivery)
        with subject.opened() as destination:
            found = cast("ReadsBack", destination).find([delivery, absent])
        if not found and delivery.kind is DeliveryKind.ACCOUNT:
            continue  # values may be written anew without harm, so they need not be found
        expect(list(found) == [delivery.key], f"`find` knows {found}, sent was {delivery.key}")
        told = outcome.their_id
        expect(told in {None, found[delivery.key]}, f"sent as {told}, found as {found}")


def preview_changes_nothing(subject: Subject) -> None:
    """`preview` says what would change, and leaves the system as it was."""
    deliveries = list(samples(subject, "previewed"))
    with subject.opened() as destination:
        if not isinstance(destination, Previews):
            raise NotOffered("The destination previews nothing.")
        before = subject.state()
        for delivery in deliveries:
            changes = destination.preview([delivery])
            expect(changes, f"{delivery.kind}: `preview` says nothing of what is new")
            expect({change.key for change in changes} == {delivery.key}, "of the delivery asked")
            expect(all(change.action and change.subject for change in changes), "in words")
    expect(subject.state() == before, "`preview` changed the system")


def requests_are_budgeted(subject: Subject) -> None:
    """Every request is spent from the budget before it is sent; none beyond the day's."""
    if not subject.spends:
        raise NotOffered("The destination needs no requests.")
    delivery = next(samples(subject, "budgeted"))
    budget = subject.budget()
    count = subject.requests or (lambda: 0)
    before = count()
    with subject.opened(budget=budget) as destination:
        put(subject, destination, delivery)
    needed = max(count() - before, 1)
    expect(budget.spent >= needed, f"{needed} requests were sent, {budget.spent} spent")
    late = sample(delivery.kind, "too-late")
    spent_up = subject.budget(Limits(daily=0))
    expect_failure(
        subject, "send", lambda: attempt(subject, lambda there: there.send([late]), budget=spent_up)
    )
    expect(subject.arrived(late) == 0, "it was sent although the day's requests were used up")


def failures_are_told(subject: Subject) -> None:
    """A system that does not answer is a `DestinationError`, whatever was asked."""
    if subject.unreachable is None:
        raise NotOffered("The subject names no settings that lead nowhere.")
    # Values of an account may be written anew, so a destination need not ask for them.
    delivery = max(samples(subject, "unheard"), key=lambda one: one.kind != DeliveryKind.ACCOUNT)
    asked: dict[str, Callable[[Destination], object]] = {
        "check": lambda there: there.check(),
        "send": lambda there: there.send([delivery]),
    }
    with subject.opened() as whole:
        if isinstance(whole, ReadsBack):
            asked["find"] = lambda there: cast("ReadsBack", there).find([delivery])
        if isinstance(whole, Previews):
            asked["preview"] = lambda there: cast("Previews", there).preview([delivery])
        if isinstance(whole, ReadsRecords):
            now = subject.clock.now()
            asked["read"] = lambda there: cast("ReadsRecords", there).read(None, until=now)
    for word, asking in asked.items():
        expect_failure(
            subject, word, lambda asking=asking: attempt(subject, asking, reachable=False)
        )


def what_waits_is_sent_together(subject: Subject) -> None:
    """What waits for a time says the same one to whoever asks, and is sent once with others."""
    kind = min(subject.type.kinds)
    those = [sample(kind, f"together-{number}") for number in (1, 2, 3)]
    memory = Forgetful()
    with subject.opened() as destination:
        if not isinstance(destination, Gathers):
            raise NotOffered("The destination lets nothing wait.")
        times = {one.key: destination.due_at(one) for one in those}
    with subject.opened(memory=memory) as destination:
        gathering = cast("Gathers", destination)
        expect(times == {one.key: gathering.due_at(one) for one in those}, "a time is told anew")
        for one in those:
            due = times[one.key]
            expect(due is None or due > one.made_at, f"`{one.key}` is due before it was made")
        if any(due is None for due in times.values()):
            raise NotOffered("With these settings nothing waits.")
        outcomes = gathering.send_gathered(those)
        told = {outcome.key: outcome.status for outcome in outcomes}
        expect(told == dict.fromkeys(times, "sent"), f"{told} where all were to be sent")
        before = subject.state()
        again = gathering.send_gathered(those)
        expect({outcome.status for outcome in again} == {"sent"}, f"{again} of what is there")
        expect(subject.state() == before, "what was sent together is sent again")


def text_survives(subject: Subject) -> None:
    """What people wrote is read there as they wrote it: quotes, markup, every letter and line."""
    for kind in sorted(subject.type.kinds):
        delivery = sample(kind, "hostile", line=HOSTILE_LINE, text=HOSTILE_TEXT)
        with subject.opened() as destination:
            put(subject, destination, delivery)
        expect_arrived(subject, delivery)
        if subject.shown is None:
            continue
        shown = subject.shown(delivery)
        lines = HOSTILE_TEXT.splitlines() if kind in _WORDED else [HOSTILE_LINE]
        for line in lines:
            expect(line in shown, f"{kind}: the line {line!r} is missing in {shown!r}")


def a_name_of_two_lines_is_sent(subject: Subject) -> None:
    """A name with line breaks and tabs is no reason not to be told."""
    for kind in sorted(subject.type.kinds & _NAMED):
        delivery = sample(kind, "two-lines", line="Two\r\nlines\tand more")
        with subject.opened() as destination:
            put(subject, destination, delivery)
        expect_arrived(subject, delivery)


def records_are_canonical(subject: Subject) -> None:
    """What is read back is in the columns that a file would have, and reading changes nothing."""
    with subject.opened() as destination:
        reads = isinstance(destination, ReadsRecords)
        expect(subject.type.reads == reads, f"`reads` says {subject.type.reads}, and it is {reads}")
        if not isinstance(destination, ReadsRecords):
            raise NotOffered("The destination reads no records back.")
        before = subject.state()
        records = destination.read(None, until=subject.clock.now())
        again = destination.read(None, until=subject.clock.now())
        later = destination.read(records.cursor, until=subject.clock.now())
    expect(subject.state() == before, "reading changed the system")
    expect(records.cursor and later.cursor, "the cursor says where to go on")
    for kind, frame in records.frames.items():
        columns = COLUMNS[kind]
        unknown = set(frame.columns) - set(columns)
        expect(not unknown, f"{kind} has columns that are not ours: {sorted(unknown)}")
        for name in (column.name for column in columns.values() if column.required):
            expect(name in frame.columns, f"{kind} lacks `{name}`")
            expect(frame[name].null_count() == 0, f"{kind} has rows without `{name}`")
        expect(frame.equals(again.frames[kind]), f"{kind} read twice is not the same")


def closing_twice_is_nothing(subject: Subject) -> None:
    """A destination that is closed may be closed again."""
    with subject.opened() as destination:
        destination.check()
        destination.close()
        destination.close()


CHECKS: tuple[Callable[[Subject], None], ...] = (
    type_is_whole,
    settings_forbid_unknown_keys,
    secrets_are_hidden,
    check_changes_nothing,
    every_kind_is_sent,
    a_repeat_has_no_effect,
    a_refusal_is_of_one,
    find_knows_what_arrived,
    preview_changes_nothing,
    requests_are_budgeted,
    failures_are_told,
    what_waits_is_sent_together,
    text_survives,
    a_name_of_two_lines_is_sent,
    records_are_canonical,
    closing_twice_is_nothing,
)


def check_destination(subject: Subject) -> list[str]:
    """Run every check, without pytest; return the names of those that did not apply.

    Raises:
        AssertionError: The destination does not keep to what it must.
    """
    left_out: list[str] = []
    for check in CHECKS:
        try:
            check(subject)
        except NotOffered:
            left_out.append(check.__name__)
    return left_out
