"""Looking an account up: who it is, where it stands, what was decided on it and why.

Asked of what is followed live while it is, else of the latest run, else of the facts; all three
agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from groundswell.engine import alerting, deciding
from groundswell.engine.customers import present_care
from groundswell.engine.handing.gathering import Gatherer
from groundswell.engine.handing.handing import abouts
from groundswell.engine.risks import present_risks, risks_told
from groundswell.engine.standing import Standing, followed_days, stand
from groundswell.engine.telling import explanation, find_account, parents_of, read_latest
from groundswell.errors import Problem, UsageError
from groundswell.intake import explain_account
from groundswell.model import Alert, Decision, Kind, Risk, Score
from groundswell.routing import NOTHING_KNOWN
from groundswell.store.nearby import read_those

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.computing import Computer
    from groundswell.engine.handing.opening import About
    from groundswell.engine.live.state import Live
    from groundswell.engine.reports import Explanation
    from groundswell.engine.telling import Found
    from groundswell.intake import Filing


@dataclass(frozen=True)
class Looked:
    """What is known of one account as of a day.

    Attributes:
        found: Which account it is.
        standing: Where it stands, alone or with those around it.
        filing: Who belongs where.
        row: Its features and scores, by column.
        score: With every point told.
        decision: With the whole trace.
    """

    found: Found
    standing: Standing
    filing: Filing
    row: dict[str, Any]
    score: Score
    decision: Decision


@dataclass(frozen=True)
class Looker:
    """Looks accounts up for a project.

    Attributes:
        loaded: Returns the configuration, with the score that is in use.
        live: Returns what follows accounts as events come, while something does.
        computer: Answers for features.
        clock: Tells the time.
        state: The folder that keeps the latest run.
    """

    loaded: Callable[[], LoadedConfig]
    live: Callable[[], Live | None]
    computer: Computer
    clock: Clock
    state: Path

    def latest(self) -> pl.DataFrame:
        """Return where every account stood at the latest run, best first.

        Raises:
            UsageError: There was no run yet.
        """
        live = self.live()
        frame = live.latest() if live is not None else None
        if frame is None:
            frame = read_latest(self.state)
        if frame is None:
            raise UsageError(
                Problem(
                    code="no-run",
                    what="Accounts have not been scored yet.",
                    fix="Run `groundswell run` first.",
                )
            )
        return frame

    def latest_day(self) -> date | None:
        """Return the day of the latest run; None before the first."""
        live = self.live()
        if live is not None and live.today is not None:
            return live.today
        frame = read_latest(self.state)
        return None if frame is None else cast("date", frame.item(0, "as_of"))

    def owner_of(self, account_id: str) -> str | None:
        """Return who owns an account in the CRM, by the latest run; None where nobody is known."""
        try:
            found = self.latest().filter(pl.col("account_id") == account_id)
        except UsageError:  # nobody was scored yet
            return None
        return None if found.is_empty() else cast("str | None", found.item(0, "owner"))

    def filing(self) -> Filing:
        """Return who belongs where, as it is told while events come."""
        live = self.live()
        base = live.base if live is not None else None
        return self.computer.filing() if base is None else base.filing

    def gatherer(self, filing: Filing | None = None) -> Gatherer:
        """Return what gathers stories of the facts as they are now.

        Args:
            filing: Who belongs where, where that is known better than of everybody.
        """
        computer, live = self.computer, self.live()
        return Gatherer(
            self.loaded(),
            computer.warehouse,
            computer.ledger,
            filing or self.filing(),
            live.rosters if live is not None else None,
        )

    def accounts(self) -> pl.DataFrame:
        """Return account_id, name and domain; of an account that is new today maybe no domain."""
        live = self.live()
        base = live.base if live is not None else None
        if base is None:
            return self.computer.filing().accounts
        known = base.filing.accounts.select("account_id", "name", "domain")
        newer = self.latest().select("account_id", "name").join(known, on="account_id", how="anti")
        return pl.concat([known, newer], how="diagonal")

    def find(self, text: str) -> Found:
        """Return the account that a text names: by id, name or domain.

        Raises:
            UsageError: There is none, or several.
        """
        return find_account(self.accounts(), text)

    def abouts(self, wanted: Iterable[str]) -> dict[str, About]:
        """Return what is known of some accounts, as of the latest run."""
        ids = set(wanted)
        if not ids:
            return {}
        try:
            frame = self.latest()
        except UsageError:  # nobody was scored yet
            return {}
        return abouts(frame, self.accounts(), ids)

    def look(self, account: str, day: date, loaded: LoadedConfig | None = None) -> Looked:
        """Find an account, say where it stands, and decide on it with the whole trace.

        Args:
            account: Account id, or its exact name or domain.
            day: As of when.
            loaded: Another definition than the one in use.

        Raises:
            UsageError: No such account is known by that day.
        """
        chosen = loaded or self.loaded()
        found, standing, filing = self._stands(account, day, chosen)
        account_id = found.account_id
        touches = read_those(self.computer.warehouse, Kind.TOUCHES, "account_id", [account_id])
        remembered = deciding.remember(
            self.computer.ledger, touches, as_of=day, account_id=account_id
        )
        states = deciding.states_of(
            standing,
            remembered,
            guardrails=chosen.guardrails,
            parents=parents_of(filing.accounts),
        )
        row = standing.frame.row(by_predicate=pl.col("account_id") == found.account_id, named=True)
        score, decision = deciding.decide_account(
            chosen,
            row,
            states.get(found.account_id, NOTHING_KNOWN),
            standing.triggers_since().get(found.account_id, {}),
            now=self.clock.now(),
        )
        return Looked(found, standing, filing, row, score, decision)

    def explain(
        self, account: str, day: date, *, user: str | None, loaded: LoadedConfig | None
    ) -> Explanation:
        """Explain an account as of a day; see `Project.explain`."""
        return self.explain_looked(self.look(account, day, loaded), user=user, loaded=loaded)

    def explain_looked(
        self, seen: Looked, *, user: str | None = None, loaded: LoadedConfig | None = None
    ) -> Explanation:
        """Explain what was looked up."""
        day = seen.standing.as_of
        account_id = seen.found.account_id
        links = explain_account(seen.filing, account_id, day)
        return explanation(
            loaded or self.loaded(),
            seen.found,
            seen.row,
            seen.score,
            seen.decision,
            links=[link for link in links if user is None or link.user_id == user],
            history=seen.standing.history.filter(pl.col("account_id") == account_id),
            alert=next(iter(self.alerts(day, account_id)), None),
            care=present_care(self.loaded(), self.computer.ledger, account_id, seen.row, as_of=day),
            risk=next(iter(self.risks(day, account_id)), None),
        )

    def alerts(self, day: date, account_id: str | None = None) -> list[Alert]:
        """Return the alerts that stand as of a day, best first."""
        after = day + timedelta(days=1)
        told = alerting.told_by(self.computer.ledger, before=after, account_id=account_id)
        return alerting.present_alerts(self.loaded(), told, as_of=day)

    def risks(self, day: date, account_id: str | None = None) -> list[Risk]:
        """Return the risks that stand as of a day, dearest first."""
        after = day + timedelta(days=1)
        told = risks_told(self.computer.ledger, before=after, account_id=account_id)
        return present_risks(self.loaded(), told, as_of=day)

    def _stands(
        self, account: str, day: date, loaded: LoadedConfig
    ) -> tuple[Found, Standing, Filing]:
        """Find an account and say where it stands, from the facts around it where that will do."""
        live = self.live()
        if live is not None and loaded is self.loaded():
            looked = live.look(account, day)
            if looked is not None:
                return looked
        filing = self.computer.filing()
        found = find_account(filing.accounts, account)
        return found, self._standing(loaded, day, [found.account_id]), filing

    def _standing(self, loaded: LoadedConfig, as_of: date, accounts: Sequence[str]) -> Standing:
        frames = self.computer.features(followed_days(as_of), accounts=accounts)
        return stand(loaded, frames, as_of=as_of)
