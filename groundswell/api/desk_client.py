"""The desk of a project that a server holds, asked over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from groundswell.engine.desk.answers import (
        AccountAnswer,
        AccountsAnswer,
        Admitted,
        Held,
        QueueAnswer,
        TimelineAnswer,
        WhyAnswer,
    )


@dataclass(frozen=True, slots=True)
class DeskClient:
    """The methods of `Desk` that operations offer; they raise what those raise."""

    _call: Callable[..., Any]

    def admit(self, who: str | None = None) -> Admitted:
        """See `Desk.admit`."""
        return self._call("desk.admit", who=who)

    def queue(self, *, who: str | None = None, every: bool = False, limit: int = 10) -> QueueAnswer:
        """See `Desk.queue`."""
        return self._call("desk.queue", who=who, every=every, limit=limit)

    def find(
        self,
        search: str = "",
        *,
        who: str | None = None,
        tier: str = "",
        motion: str = "",
        owner: str = "",
        qualified: bool | None = None,
        sort: str = "score",
        limit: int = 10,
    ) -> AccountsAnswer:
        """See `Desk.find`."""
        return self._call(
            "desk.find",
            search=search,
            who=who,
            tier=tier,
            motion=motion,
            owner=owner,
            qualified=qualified,
            sort=sort,
            limit=limit,
        )

    def account(
        self, account: str, *, who: str | None = None, as_of: date | None = None
    ) -> AccountAnswer:
        """See `Desk.account`."""
        return self._call("desk.account", account=account, who=who, as_of=as_of)

    def explain(
        self, account: str, *, who: str | None = None, as_of: date | None = None
    ) -> WhyAnswer:
        """See `Desk.explain`."""
        return self._call("desk.explain", account=account, who=who, as_of=as_of)

    def timeline(
        self,
        account: str,
        *,
        who: str | None = None,
        as_of: date | None = None,
        limit: int = 20,
    ) -> TimelineAnswer:
        """See `Desk.timeline`."""
        return self._call("desk.timeline", account=account, who=who, as_of=as_of, limit=limit)

    def step(
        self,
        handoff: str,
        tool: str,
        *,
        who: str,
        reason: str | None = None,
        note: str = "",
        days: int | None = None,
        engineer: bool = False,
    ) -> Held:
        """See `Desk.step`."""
        return self._call(
            "desk.step",
            handoff=handoff,
            tool=tool,
            who=who,
            reason=reason,
            note=note,
            days=days,
            engineer=engineer,
        )
