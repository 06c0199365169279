"""The brief of an account that somebody asks for, as of any day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from groundswell.connectors.rewriting import LanguageModel
from groundswell.engine.caring import with_care
from groundswell.engine.handing.opening import About
from groundswell.engine.handing.teams import member_of
from groundswell.handoff.rewriting import rewrite_opening
from groundswell.handoff.writing import write_brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from groundswell.clock import Clock
    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.handing.book import Book
    from groundswell.engine.looking import Looked, Looker
    from groundswell.handoff.brief import Brief


@dataclass
class Polisher:
    """Lets a language model polish the opening line of a brief, where one is configured."""

    loaded: Callable[[], LoadedConfig]
    environ: Mapping[str, str]
    clock: Clock

    def polish(self, brief: Brief) -> Brief:
        """Return the brief with another opening line, or as it is."""
        return brief if self._model is None else rewrite_opening(brief, self._model.ask)

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        model: LanguageModel | None = self.__dict__.get("_model")
        if model is not None:
            model.close()

    @cached_property
    def _model(self) -> LanguageModel | None:
        rewriting = self.loaded().briefing.rewriting
        return None if rewriting is None else LanguageModel(rewriting, self.environ, self.clock)


@dataclass(frozen=True)
class Briefer:
    """Writes briefs that are asked for.

    Attributes:
        looker: Says where an account stands.
        book: The handoffs there are.
        polisher: Polishes the opening line.
    """

    looker: Looker
    book: Book
    polisher: Polisher

    def brief(self, account: str, day: date) -> Brief:
        """Write the brief of an account as of a day; see `Project.brief`."""
        return self.polisher.polish(self.brief_looked(self.looker.look(account, day)))

    def brief_looked(self, seen: Looked) -> Brief:
        """Write the brief of what was looked up; its opening line is not polished."""
        looker = self.looker
        loaded = looker.loaded()
        found, as_of = seen.found, seen.score.as_of
        of_account = seen.filing.accounts.filter(pl.col("account_id") == found.account_id)
        domain = next(iter(of_account["domain"]), None)
        values = {
            name: value
            for name, value in seen.row.items()
            if value is None or isinstance(value, str | int | float)
        }
        about = About(found.account_id, found.name, domain, as_of, values)
        handoff = self.book.refresh().of_account(found.account_id)
        known = handoff is not None and handoff.is_open and handoff.as_of <= as_of
        present = {found.account_id: handoff} if handoff is not None and known else {}
        stories = looker.gatherer(seen.filing).stories(
            {found.account_id: about}, as_of, handoffs=present
        )
        story = stories[found.account_id]
        member = member_of(loaded.teams, story.owner)
        story = replace(story, rep=member.name if member else None)
        urgent = bool(present) and present[found.account_id].urgent
        written = write_brief(loaded, story, seen.score, seen.decision, urgent=urgent)
        return with_care(written, loaded, looker.computer.ledger, values)
