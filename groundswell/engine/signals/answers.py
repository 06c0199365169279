"""What is told of signals and of a change to them: plain records for a page and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from groundswell.errors import Problem


@dataclass(frozen=True, slots=True)
class EventSeen:
    """An event by its name.

    Attributes:
        name: As it was sent.
        lately: How often it happened in the last 28 days.
        before: How often in the 28 days before those.
        ever: How often in all.
        meanings: What it means, such as `used_feature:boards`; none for nothing.
        suggested: What its name suggests where it means nothing; None for nothing.
    """

    name: str
    lately: int
    before: int
    ever: int
    meanings: tuple[str, ...]
    suggested: str | None


@dataclass(frozen=True, slots=True)
class MeaningSeen:
    """A meaning that the configuration gives to events.

    Attributes:
        name: Of the meaning, with its kind, such as `used_feature:boards`.
        events: The events that were seen of those that may carry it.
        lately: How often these happened in the last 28 days.
        before: How often in the 28 days before those.
        in_part: Whether each of them carries it only where its properties or its page say so.
    """

    name: str
    events: tuple[str, ...]
    lately: int
    before: int
    in_part: bool


@dataclass(frozen=True, slots=True)
class TriggerSeen:
    """A trigger, and for whom it holds.

    Attributes:
        name: Its name.
        family: What kind of reason it is.
        when: The condition that it fires on.
        say: What is told of it.
        origin: Where it is written.
        holds: For how many accounts it holds now.
        lately: For how many of these it began to hold in the last 28 days.
    """

    name: str
    family: str
    when: str
    say: str
    origin: str
    holds: int
    lately: int


@dataclass(frozen=True, slots=True)
class GuardrailSeen:
    """A guardrail, and whom it holds back.

    Attributes:
        name: As decisions call it.
        key: Of the setting; empty where there is none.
        setting: What it is set to.
        about: What it is for.
        origin: Where it is set.
        held: How many accounts it holds back now, alone or with others.
        alone: How many of these nothing else holds back.
    """

    name: str
    key: str
    setting: str
    about: str
    origin: str
    held: int
    alone: int


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """A routing rule, and whom it decides.

    Attributes:
        name: Its name.
        when: Its condition; empty for what holds where no rule matched.
        motion: How accounts are sold to by it.
        team: Who gets them; None for nobody.
        play: What is advised; None where the account says.
        origin: Where it is written.
        accounts: How many accounts it decides now, as the first that matches.
    """

    name: str
    when: str
    motion: str
    team: str | None
    play: str | None
    origin: str
    accounts: int


@dataclass(frozen=True, slots=True)
class PlayUsed:
    """A play, and what came of it.

    Attributes:
        name: Its name.
        title: What it is called.
        when: When it is advised though no rule names it; empty for never.
        origin: Where it is written.
        lines: What it says, by the kind of line.
        accounts: How many accounts are decided by a rule that names it.
        used: Handoffs that were opened with it.
        lately: How many of them in the last 28 days.
        open: How many of them are open.
        outcomes: How many of the others ended how.
    """

    name: str
    title: str
    when: str
    origin: str
    lines: dict[str, tuple[str, ...]]
    accounts: int
    used: int
    lately: int
    open: int
    outcomes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Signs:
    """What is listened for, and what came of it lately.

    Attributes:
        today: The last of the days that count as lately.
        as_of: As of when accounts were scored; None before the first run.
        accounts: How many were.
        held_back: How many of them a guardrail holds back now.
        events: Every event that was seen, the most frequent lately first.
        meanings: What events mean, as the configuration has it.
        unmapped: Meanings that no event has.
        triggers: In their order.
        guardrails: In the order in which they are checked.
        rules: In the order in which they are tried.
        plays: In their order.
        counted_at: When all of this was counted.
    """

    today: date
    as_of: date | None
    accounts: int
    held_back: int
    events: tuple[EventSeen, ...]
    meanings: tuple[MeaningSeen, ...]
    unmapped: tuple[str, ...]
    triggers: tuple[TriggerSeen, ...]
    guardrails: tuple[GuardrailSeen, ...]
    rules: tuple[RuleSeen, ...]
    plays: tuple[PlayUsed, ...]
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class BlockText:
    """A block of the configuration as it is written.

    Attributes:
        block: Its key.
        file: Where it stands.
        line: The line of the file that its text begins on.
        text: As it is written, its key too; empty where nothing is.
        digest: A text that is another one once the file is.
        may_write: Whether it may be written from elsewhere than an editor.
    """

    block: str
    file: str
    line: int
    text: str
    digest: str
    may_write: bool


@dataclass(frozen=True, slots=True)
class BlockChange:
    """Another text in place of a block's, checked as `groundswell check` does.

    Attributes:
        block: Its key.
        file: Where it stands.
        line: The line of the file that its text begins on.
        digest: Of the file as it is.
        problems: Every mistake of the whole configuration as it would be.
        diff: How the file would change, as `diff -u` tells it; empty where it would not.
    """

    block: str
    file: str
    line: int
    digest: str
    problems: tuple[Problem, ...]
    diff: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many there are of something, and how many there would be.

    Attributes:
        name: Of what.
        before: As it is.
        after: As it would be.
    """

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Otherwise:
    """An account on which another decision would be made.

    Attributes:
        account_id: Its id.
        name: What it is called.
        before: What is decided now.
        after: What would be.
    """

    account_id: str
    name: str | None
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MovedScore:
    """An account whose score would be another one.

    Attributes:
        account_id: The account.
        name: What it is called.
        before, after: Its score.
        rank_before, rank_after: Its place among all accounts, from 1; equal scores share theirs.
        crosses: `above` where it would pass the threshold that it does not pass, `below` the other
            way around; empty where neither.
    """

    account_id: str
    name: str | None
    before: float
    after: float
    rank_before: int
    rank_after: int
    crosses: Literal["above", "below", ""]


@dataclass(frozen=True, slots=True)
class ScoreMoves:
    """Who moves when the score is another one.

    Attributes:
        line_before, line_after: The threshold.
        above_before, above_after: Accounts that pass it.
        rise, fall: Accounts that would pass it and do not, and the other way around.
        capacity: Accounts that people can take up in a week.
        kept: How many of so many that are best are so by the other score too.
        moved: Accounts whose score would differ by a tenth of a point or more.
        first: The first of these: those that cross the threshold before the others, and those that
            move farthest before those that move less.
    """

    line_before: float
    line_after: float
    above_before: int
    above_after: int
    rise: int
    fall: int
    capacity: int
    kept: int
    moved: int
    first: tuple[MovedScore, ...]


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a change would do to the accounts as they stand today.

    Attributes:
        block: The block that is changed.
        as_of: As of when accounts stand; None before the first run.
        accounts: How many there are.
        decides: Whether all of them were decided on anew; not where other facts would be needed.
        tallies: What would be more or fewer, by what is counted: `meanings`, `triggers`, `rules`,
            `guardrails`, `handed_over`, `plays`. Only what differs.
        differ: On how many accounts another decision would be made.
        differing: The first of these, by their id.
        notes: What is to be known of it.
        scores: Who moves, where the score is another one.
    """

    block: str
    as_of: date | None
    accounts: int
    decides: bool
    tallies: dict[str, tuple[Tally, ...]]
    differ: int
    differing: tuple[Otherwise, ...]
    notes: tuple[str, ...]
    scores: ScoreMoves | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A block that was written.

    Attributes:
        block: Its key.
        file: Where it stands.
        digest: Of the file as it is now.
        taken_up: Whether a running server takes it up; else it is to be started again.
        problems: Why it does not.
    """

    block: str
    file: str
    digest: str
    taken_up: bool
    problems: tuple[Problem, ...] = ()
