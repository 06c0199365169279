"""Signals of a project: what is listened for, what came of it, and what a change of it does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from groundswell.config.loading import FITTED, LoadedConfig, effective_guardrails
from groundswell.config.schema import GuardrailsBlock
from groundswell.config.score_edits import edit_score
from groundswell.engine import deciding
from groundswell.engine.handing.simulating import FIXED
from groundswell.engine.signals import editing
from groundswell.engine.signals.answers import (
    BlockChange,
    BlockText,
    GuardrailSeen,
    Signs,
    Tally,
    Weighed,
    Written,
)
from groundswell.engine.signals.counting import (
    Counts,
    count_events,
    see_events,
    see_meanings,
    see_plays,
    see_rules,
    see_triggers,
    unmapped,
)
from groundswell.engine.signals.proposing import SCORE, make_edit
from groundswell.engine.signals.rescoring import rescore, score_moves
from groundswell.engine.signals.weighing import (
    Decided,
    Stand,
    compare,
    decide_stand,
    differing,
    held_by,
    tallies,
)
from groundswell.engine.telling import parents_of
from groundswell.errors import GroundswellError, Problem, UsageError
from groundswell.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from groundswell.engine.project import Project

GUARDRAILS: dict[str, tuple[str, str]] = {
    "do_not_contact": ("do_not_contact", ""),
    "account_age": ("min_account_age", ""),
    "activated": ("needs_activation", ""),
    "silence": ("max_silence", ""),
    "onboarding": ("respect_onboarding", ""),
    "trigger": ("needs_signal", ""),
    "account_touch": ("one_touch_per_account", ""),
    "person_touch": ("one_touch_per_person", ""),
    "last_handoff": ("rest_after_handoff", ""),
    "queue": ("", "Only who pays, who qualified, and the few lower scores that are explored."),
    "holdout": ("holdout", ""),
}
"""What decisions check, in their order: the key of the setting; what it is for without one."""

FEATURES_CHANGE = (
    "This changes what accounts are known to have done, so that all of it is computed anew once it "
    "is taken up; what follows for each account is not told before."
)
BEGINS_TODAY = (
    "A trigger that is new, or has another condition, counts as if it began to hold today."
)
TURNS_TODAY = (
    "Who passes the threshold by this is taken to qualify today, and who does not any more to be "
    "let go today; the days that this takes otherwise are not waited for."
)
LEARNED = (
    "Accounts are scored by a learned definition, or would be: what it says is changed as a file "
    "of its own, and `groundswell compare` says who moves."
)
HAS_NO_PART = "This decides on no account: who is handed over, and by which rule, stays as it is."


@dataclass
class Signals:
    """What a project listens for.

    Attributes:
        project: Whose.
        take_up: Lets a running server take up what was written; None where none runs.
    """

    project: Project
    take_up: Callable[[], None] | None = field(default=None, repr=False)
    _counts: tuple[str, Counts] | None = field(default=None, init=False, repr=False)

    def read(self) -> Signs:
        """Return what is listened for, and what came of it lately.

        Events are counted over the last 28 days, by when they happened; accounts are those of the
        latest run. A trigger began lately where it holds still, and began within these days.
        """
        project = self.project
        loaded, today = project.loaded, project.today()
        latest = self._latest()
        as_of = project.looker.latest_day()
        decided = self._decide(latest, loaded)
        rules = see_rules(loaded, latest)
        counts = self._count()
        return Signs(
            today=today,
            as_of=as_of,
            accounts=0 if latest is None else latest.height,
            held_back=0 if decided is None else len(decided.held_back),
            events=see_events(counts, loaded.meanings),
            meanings=see_meanings(counts, loaded.meanings),
            unmapped=unmapped(loaded.meanings),
            triggers=see_triggers(loaded, latest, as_of),
            guardrails=see_guardrails(loaded, decided),
            rules=rules,
            plays=see_plays(loaded, rules, project.handing.book.refresh().all(), today),
            counted_at=project.clock.now(),
        )

    def block(self, block: str) -> BlockText:
        """Return a block of the configuration as it is written.

        Args:
            block: `events`, `features`, `triggers`, `guardrails`, `motions`, `plays` or `teams`.

        Raises:
            ConfigError: The file cannot be read.
            UsageError: It is none of these, or has no lines of its own.
        """
        return editing.read_block(self.project.root, block, may_write=self.may_write)

    def check(self, block: str, text: str, *, digest: str | None = None) -> BlockChange:
        """Check another text of a block as `groundswell check` does; nothing is written.

        Args:
            block: As for `block`.
            text: What would stand in its place, its key too.
            digest: Of the file that the change was made of, where it is to be that still.

        Raises:
            ConfigError: The file cannot be read as it is.
            UsageError: It is none of these blocks, or the file was changed since.
        """
        return editing.change_of(self.project.root, block, text, digest, self.project.environ)

    def weigh(self, block: str, text: str, *, decide: bool = True) -> Weighed:
        """Say what another text of a block does to the accounts as they stand; nothing is written.

        Triggers, rules and guardrails decide on every account anew, by the features that it has.

        Args:
            block: As for `block`.
            text: What would stand in its place, its key too.
            decide: Whether accounts are decided on anew; of `score` who moves is told without.

        Raises:
            ConfigError: It has mistakes.
            UsageError: It is none of these blocks.
        """
        project = self.project
        present = project.loaded
        written = editing.find_known(project.root, block)
        other = editing.load_changed(written, text, project.environ)
        if block != SCORE:
            other = replace(other, score=present.score)
        latest = self._latest()
        day = project.looker.latest_day()
        base = Weighed(block, day, 0, decides=False, tallies={}, differ=0, differing=(), notes=())
        if latest is None:
            return replace(base, notes=("No account was scored yet.",))
        base = replace(base, accounts=latest.height)
        if any(present.fingerprint(name) != other.fingerprint(name) for name in FIXED):
            found = tallies(self._meant(present), self._meant(other))
            told = {"meanings": found} if found else {}
            return replace(base, tallies=told, notes=(FEATURES_CHANGE,))
        stand = before = self._stand(latest)
        if block == SCORE:
            if FITTED in (present.config.score.preset, other.config.score.preset):
                return replace(base, notes=(LEARNED,))
            stand = rescore(before, other.score)
            capacity = project.lab.capacity()
            scores = score_moves(before, stand, other.score, capacity=capacity)
            base = replace(base, scores=scores, notes=(TURNS_TODAY,) if scores.moved else ())
        if not decide:
            return base
        now = decide_stand(before, present, now=project.clock.now())
        then = decide_stand(stand, other, now=project.clock.now())
        told = compare(now, then)
        if plays := self._advised(latest, present, other, then):
            told["plays"] = plays
        names = dict(latest.select("account_id", "name").iter_rows())
        count, first = differing(now, then, names)
        notes = [*base.notes] if count or told or base.scores else [HAS_NO_PART]
        if present.fingerprint("triggers") != other.fingerprint("triggers"):
            notes.append(BEGINS_TODAY)
        return replace(
            base,
            decides=True,
            tallies=told,
            differ=count,
            differing=first,
            notes=tuple(notes),
        )

    def propose_score(
        self,
        *,
        weights: Mapping[str, float] | None = None,
        times: Mapping[str, float] | None = None,
        qualified: float | None = None,
    ) -> BlockText:
        """Return the block `score` with other numbers, its comments kept; nothing is written.

        Args:
            weights: By part; those that are not named stay, and all are scaled to add up to 1.
            times: By `part.component`, how many times as many points it gives.
            qualified: What a score has to pass.

        Returns:
            The text as it would be, and the file that it is made of: for `check`, `weigh`, `write`.

        Raises:
            ConfigError: The file cannot be read.
            UsageError: A learned definition scores, there is no such component, or a number is
                out of range.
        """
        present, block = self.project.loaded, self.block(SCORE)
        edit = make_edit(present, weights or {}, times or {}, qualified)
        return replace(block, text=edit_score(block.text, present.score, edit))

    def write(self, block: str, text: str, *, digest: str) -> Written:
        """Write another text in place of a block's, and let a running server take it up.

        Args:
            block: As for `block`.
            text: What stands in its place, its key too.
            digest: Of the file that the change was made of.

        Raises:
            ConfigError: It has mistakes; the file stays as it was.
            UsageError: It may not be written from here, or the file was changed since; it stays.
        """
        if not self.may_write:
            raise UsageError(
                Problem(
                    "edit-off",
                    "The configuration may not be written from here.",
                    "Copy the change and make it in the file, or let it be: `web: "
                    "{write_config: true}`.",
                )
            )
        project = self.project
        told = editing.write_changed(project.root, block, text, digest, project.environ)
        problems: tuple[Problem, ...] = ()
        if self.take_up is not None:
            try:
                self.take_up()
            except GroundswellError as error:
                problems = error.problems
        taken_up = self.take_up is not None and not problems
        return Written(block, told.file, told.digest, taken_up, problems)

    @property
    def may_write(self) -> bool:
        """Whether the configuration lets itself be written from elsewhere than an editor."""
        return self.project.loaded.config.web.write_config

    def _latest(self) -> pl.DataFrame | None:
        try:
            return self.project.looker.latest()
        except UsageError:  # nobody was scored yet
            return None

    def _count(self) -> Counts:
        """Count events, or return what was counted where nothing came since."""
        project = self.project
        state = f"{project.warehouse.version()} {project.today()}"
        kept = self._counts
        if kept is None or kept[0] != state:
            kept = self._counts = (state, count_events(project.warehouse, project.today()))
        return kept[1]

    def _decide(self, latest: pl.DataFrame | None, loaded: LoadedConfig) -> Decided | None:
        """Decide on all accounts; None where there are none, or not as this needs them."""
        if latest is None or not loaded.features.keys() <= set(latest.columns):
            return None
        return decide_stand(self._stand(latest), loaded, now=self.project.clock.now())

    def _stand(self, latest: pl.DataFrame) -> Stand:
        """Return where accounts stand, with what is remembered of them."""
        project = self.project
        base = project.live.base if project.live is not None else None
        if base is not None:
            remembered = base.remembered
        else:
            day = latest.item(0, "as_of")
            touches = project.warehouse.read(Kind.TOUCHES)
            remembered = deciding.remember(project.ledger, touches, as_of=day)
        parents = parents_of(project.looker.filing().accounts)
        return Stand(latest, remembered, parents, project.loaded)

    def _meant(self, loaded: LoadedConfig) -> Mapping[str, int]:
        """Return by meaning how many events of the last 28 days may carry it."""
        return {one.name: one.lately for one in see_meanings(self._count(), loaded.meanings)}

    def _advised(
        self, latest: pl.DataFrame, present: LoadedConfig, other: LoadedConfig, then: Decided
    ) -> tuple[Tally, ...]:
        """Return how many accounts the rules name each play for, where that changes.

        A play that reads otherwise counts as one that is there no more, and one that is new.
        """
        before = Counter[str]()
        for rule in see_rules(present, latest):
            if rule.play is not None:
                before[rule.play] += rule.accounts
        named = {rule.name: rule.play for rule in other.motions}
        after = Counter(play for name in then.rules.values() if (play := named.get(name)))
        changed = {
            name: (before[name], after[name])
            for name in dict.fromkeys((*present.plays, *other.plays))
            if present.plays.get(name) != other.plays.get(name) or before[name] != after[name]
        }
        return tuple(Tally(name, *both) for name, both in changed.items())


def see_guardrails(loaded: LoadedConfig, decided: Decided | None) -> tuple[GuardrailSeen, ...]:
    """Return every guardrail with what it is set to, and whom it holds back."""
    block = effective_guardrails(loaded.config)
    held = Counter[str]() if decided is None else held_by(decided)
    failed = () if decided is None else decided.held_back.values()
    alone = Counter(names[0] for names in failed if len(names) == 1)
    found: list[GuardrailSeen] = []
    for name, (key, about) in GUARDRAILS.items():
        setting = _setting(getattr(block, key)) if key else ""
        told = about or GuardrailsBlock.model_fields[key].description or ""
        origin = loaded.origin(f"guardrails.{key}") if key else ""
        found.append(GuardrailSeen(name, key, setting, told, origin, held[name], alone[name]))
    return tuple(found)


def _setting(value: object) -> str:
    """Return a setting as the file says it; of a list how long it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{len(value)} listed" if isinstance(value, list) else str(value)
