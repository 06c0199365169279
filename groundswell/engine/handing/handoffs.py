"""What people ask of handoffs, and do with them: the queue, a step, the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from groundswell.connectors.deliveries import DeliveryKind
from groundswell.engine.dispatching import Dispatched, Dispatcher
from groundswell.engine.handing.acting import Act, Action
from groundswell.engine.handing.backfilling import Backfill, write_backfill
from groundswell.engine.handing.rewording import reword
from groundswell.errors import Problem, UsageError, page_gone
from groundswell.handoff.brief import Brief
from groundswell.handoff.life import Handoff, State
from groundswell.model import as_plain
from groundswell.store.outbox import DeliveryStatus, KeptDelivery, Pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from groundswell.clock import Clock
    from groundswell.connectors.deliveries import Change, Message
    from groundswell.connectors.destination import Finding
    from groundswell.engine.destinations import Destinations
    from groundswell.engine.handing.handing import Handing
    from groundswell.engine.handing.opening import About
    from groundswell.store.ledger import Ledger

_REST = frozenset({State.SNOOZED, State.OPPORTUNITY})


@dataclass(frozen=True)
class QueueRow:
    """A handoff as a rep's queue shows it.

    Attributes:
        handoff_id, account_id: Which.
        name: What the account is called.
        state: Where the handoff stands.
        motion, tier, play: How the account is sold to, and what is advised.
        score: Now; when it was handed over, where it is not known now.
        owner, team: Whose it is.
        urgent: Somebody asked for a person.
        due_at: By when it has to be touched; None where nothing is due.
        overdue: Whether that is over.
        opened_at: Since when it is in the queue.
        snoozed_until: Until when it rests.
        reason: Why it was handed over.
    """

    handoff_id: str
    account_id: str
    name: str | None
    state: str
    motion: str
    tier: str | None
    play: str | None
    score: float
    owner: str | None
    team: str | None
    urgent: bool
    due_at: datetime | None
    overdue: bool
    opened_at: datetime
    snoozed_until: datetime | None
    reason: str


@dataclass(frozen=True)
class DestinationState:
    """How a destination is doing.

    Attributes:
        name: As in `destinations:`.
        type: What it is.
        writes: What is written there.
        paused: Since when nothing is sent, by whom and why; None while it is sent to.
        waiting, sent, dead: Deliveries that wait, arrived, or cannot be sent.
    """

    name: str
    type: str
    writes: tuple[str, ...]
    paused: str | None
    waiting: int
    sent: int
    dead: int


@dataclass
class Handoffs:
    """What can be asked of a project's handoffs, and done with them; see `Project.handoffs`."""

    handing: Handing
    ledger: Ledger
    clock: Clock
    destinations: Destinations
    about_of: Callable[[Iterable[str]], Mapping[str, About]]
    find: Callable[[str], str]
    latest: Callable[[], pl.DataFrame]
    accounts: Callable[[], pl.DataFrame]
    polish: Callable[[Brief], Brief]

    def __post_init__(self) -> None:
        """Prepare for sending; nothing is opened yet."""
        self.dispatcher = Dispatcher(
            self.ledger, self.clock, self.destinations, lambda item: reword(item, self.polish)
        )

    # --- the queue ----------------------------------------------------------------------------

    def queue(
        self,
        *,
        rep: str | None = None,
        team: str | None = None,
        every: bool = False,
        limit: int | None = None,
        after: str | None = None,
    ) -> list[QueueRow]:
        """Return the handoffs that somebody has to work, the most urgent first.

        Args:
            rep: Only of this rep, by their e-mail address.
            team: Only of this team.
            every: What rests, or has an opportunity, too.
            limit: At most so many.
            after: Only those that come after this one, by its id.

        Raises:
            UsageError: There is no such handoff in the queue.
        """
        now = self.clock.now()
        wanted = [
            handoff
            for handoff in self.handing.book.refresh().open()
            if (rep is None or handoff.owner == rep.lower())
            and (team is None or handoff.team == team)
            and (every or handoff.state not in _REST)
        ]
        standings = self._standings({handoff.account_id for handoff in wanted})
        rows = [_row(handoff, standings.get(handoff.account_id), now) for handoff in wanted]
        rows.sort(key=_urgency)
        if after is not None:
            ids = [row.handoff_id for row in rows]
            if after not in ids:
                raise UsageError(page_gone())
            rows = rows[ids.index(after) + 1 :]
        return rows[:limit] if limit else rows

    def _standings(self, wanted: set[str]) -> dict[str, tuple[str | None, float, str]]:
        """Return name, score and tier of accounts by the latest run; none before the first."""
        try:
            latest = self.latest()
        except UsageError:  # nobody was scored yet
            return {}
        of_wanted = latest.select("account_id", "name", "score", "tier").filter(
            pl.col("account_id").is_in(list(wanted))
        )
        return {
            account_id: (name, score, tier)
            for account_id, name, score, tier in of_wanted.iter_rows()
        }

    def get(self, name: str) -> Handoff:
        """Return a handoff by its id or the beginning of it, else the latest of an account.

        Args:
            name: Of a handoff; or the id, name or domain of an account.

        Raises:
            UsageError: There is none, or several.
        """
        book = self.handing.book.refresh()
        found = [item for item in book.all() if item.handoff_id.startswith(name)]
        if len(found) == 1:
            return found[0]
        latest = book.of_account(name) or book.of_account(self.find(name))
        if latest is not None:
            return latest
        raise UsageError(
            Problem(
                "handoff-unknown",
                f"There is no handoff of `{name}`.",
                "See `groundswell queue` for those that are open.",
            )
        )

    def step(
        self,
        name: str,
        action: Action,
        *,
        who: str,
        reason: str | None = None,
        note: str = "",
        days: int | None = None,
        to: str | None = None,
        competitor: str | None = None,
        engineer: bool = False,
    ) -> Handoff:
        """Do something with a handoff; return it as it stands then.

        Args:
            name: As for `get`.
            action: What.
            who: E-mail address of who does it, or how they are called.
            reason: Why; a decline needs one of `handoff.life.DECLINE_REASONS`.
            note: In their own words.
            days: How long it rests; 7 for a snooze that does not say.
            to: E-mail address of whom it is given to.
            competitor: To whom it was lost.
            engineer: Whether a solution engineer is asked for.

        Raises:
            UsageError: It cannot be done now, or somebody else was faster.
        """
        handoff = self.get(name)
        asked = Act(action, who, reason, note, days, to, competitor, engineer)
        about = self.about_of({handoff.account_id}).get(handoff.account_id)
        return self.handing.act(handoff, asked, about)

    def sweep(self) -> int:
        """Let time pass: wake what rested, notice breaches, give out what waits."""
        return self.handing.sweep(self.about_of)

    # --- the outbox ---------------------------------------------------------------------------

    def deliveries(
        self,
        *,
        destination: str | None = None,
        status: DeliveryStatus | None = None,
        account: str | None = None,
        limit: int | None = 50,
        after: str | None = None,
    ) -> list[KeptDelivery]:
        """Return deliveries, the newest first.

        Args:
            destination: Only to this one.
            status: Only those that stand so.
            account: Only of this account.
            limit: At most so many; None for all.
            after: Only those that are older than the one of this key.

        Raises:
            StoreError: There is no such delivery.
        """
        return self.ledger.deliveries(
            destination=destination,
            statuses=(status,) if status else None,
            account_id=self.find(account) if account else None,
            limit=limit,
            after=after,
        )

    def dispatch(self) -> Dispatched:
        """Send what is due now, once."""
        return self.dispatcher.step()

    def retry(self, *, destination: str | None = None, key: str | None = None) -> int:
        """Let dead deliveries be tried again; return how many.

        Args:
            destination: Only those to this one.
            key: Only the one whose key begins so.
        """
        dead = self.ledger.deliveries(destination=destination, statuses=("dead",), key=key)
        return self.ledger.revive_deliveries([item.key for item in dead])

    def post(self, key: str, to: Sequence[str], message: Message) -> int:
        """Put a message that is about no handoff into the outbox; it is sent once by its key.

        Args:
            key: Names it once and for all; each destination adds its own name.
            to: Names of destinations.
            message: What is said.

        Returns:
            To how many it was not put before.

        Raises:
            UsageError: There is no such destination, or it takes no messages.
        """
        for name in to:
            if DeliveryKind.MESSAGE not in self.destinations.type_of(name).kinds:
                what = f"`{name}` takes no messages."
                fix = "Name a destination of Slack, e-mail, a webhook or files."
                raise UsageError(Problem("destination-no-messages", what, fix))
        now = self.clock.now()
        return self.ledger.add_deliveries(
            [
                KeptDelivery(
                    key=f"{key}:{name}",
                    destination=name,
                    kind=DeliveryKind.MESSAGE,
                    account_id=message.company.account_id,
                    handoff_id=None,
                    body=as_plain(message),
                    made_at=now,
                    due_at=now,
                )
                for name in to
            ]
        )

    def pause(self, destination: str, *, who: str, reason: str = "") -> None:
        """Send nothing to a destination until it is resumed; what is decided waits.

        Raises:
            UsageError: There is no such destination.
        """
        self.destinations.type_of(destination)
        self.ledger.pause_destination(Pause(destination, self.clock.now(), who, reason))

    def resume(self, destination: str) -> bool:
        """Send to a destination again; tell whether it was paused.

        Raises:
            UsageError: There is no such destination.
        """
        self.destinations.type_of(destination)
        return self.ledger.resume_destination(destination)

    def backfill(self, destination: str, *, every: bool = False, dry_run: bool = False) -> Backfill:
        """Write all values of the accounts that qualify for a destination, whatever it has.

        They are sent as everything is: within its budget, as one load where it takes such.

        Args:
            destination: Its name.
            every: Of all accounts.
            dry_run: Write nothing, and say what it would be told.

        Raises:
            UsageError: There is no such destination, it is not told values of accounts, or there
                was no run yet.
        """
        return write_backfill(
            self.handing,
            self.destinations,
            destination,
            self.latest(),
            self.accounts(),
            every=every,
            dry_run=dry_run,
        )

    def states(self) -> list[DestinationState]:
        """Return how each destination is doing."""
        counts = self.ledger.delivery_counts()
        paused = self.ledger.paused_destinations()
        found: list[DestinationState] = []
        for name in self.destinations.names():
            pause = paused.get(name)
            said = f"{pause.at:%Y-%m-%d %H:%M} by {pause.who}" if pause else None
            found.append(
                DestinationState(
                    name,
                    self.destinations.type_of(name).name,
                    tuple(sorted(self.destinations.writes(name))),
                    f"{said}: {pause.reason}" if pause and pause.reason else said,
                    counts.get((name, "waiting"), 0) + counts.get((name, "sending"), 0),
                    counts.get((name, "sent"), 0),
                    counts.get((name, "dead"), 0),
                )
            )
        return found

    def check(self, destination: str) -> list[Finding]:
        """Check a destination's credentials, scopes and fields; nothing is changed.

        Raises:
            UsageError: There is no such destination.
            ConfigError: Its block cannot be used.
            DestinationError: It cannot be reached.
        """
        return self.destinations.open(destination).destination.check()

    def preview(self, destination: str, *, limit: int = 50) -> list[Change]:
        """Say what sending would change there; nothing is sent.

        Raises:
            UsageError: There is no such destination.
            ConfigError: Its block cannot be used.
            DestinationError: It cannot be reached.
        """
        return self.dispatcher.preview(destination, limit=limit)

    def close(self) -> None:
        """Let go of the destinations."""
        self.destinations.close()


def _row(
    handoff: Handoff, standing: tuple[str | None, float | None, str | None] | None, now: datetime
) -> QueueRow:
    name, score, tier = standing or (None, None, None)
    return QueueRow(
        handoff.handoff_id,
        handoff.account_id,
        name,
        str(handoff.state),
        handoff.motion,
        tier,
        handoff.play,
        round(handoff.score if score is None else score, 1),
        handoff.owner,
        handoff.team,
        handoff.urgent,
        handoff.due_at,
        handoff.due_at is not None and handoff.due_at <= now,
        handoff.opened_at,
        handoff.snoozed_until,
        handoff.reason,
    )


def _urgency(row: QueueRow) -> tuple[bool, bool, bool, float, float]:
    due = row.due_at.timestamp() if row.due_at is not None else 0.0
    return (not row.urgent, not row.overdue, row.due_at is None, due, -row.score)
