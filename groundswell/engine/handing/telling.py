"""What is delivered because of a step: records for the CRM, word to people, each as it is then."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, cast

import msgspec

from groundswell.connectors.deliveries import (
    AccountValues,
    Body,
    Company,
    Contact,
    Deal,
    DeliveryKind,
    Message,
    Note,
    Task,
)
from groundswell.engine.caring import with_care
from groundswell.engine.deciding import DECIDED
from groundswell.engine.handing.informing import INFORMS, Word
from groundswell.engine.handing.teams import member_of
from groundswell.handoff.life import Handoff, Step, follow_one
from groundswell.handoff.rendering.mail import mail_html, news_html, note_html
from groundswell.handoff.rendering.slack import news_blocks, slack_blocks
from groundswell.handoff.rendering.text import plain_text, subject_of
from groundswell.handoff.writing import write_brief
from groundswell.model import Decision, Motion, as_plain
from groundswell.scoring import explain_score
from groundswell.store.outbox import KeptDelivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.engine.destinations import Destinations
    from groundswell.engine.handing.book import Book
    from groundswell.engine.handing.gathering import Gatherer
    from groundswell.engine.handing.opening import About
    from groundswell.handoff.brief import Brief, Story
    from groundswell.model import Scalar
    from groundswell.store.ledger import JournalEntry, Ledger
    from groundswell.store.outbox import Group

STALE_DAYS = 1
"""What is decided as of a day that is longer over than that is recorded, and nobody is told."""

_BRIEFED = frozenset({Step.ROUTED, Step.ASSIGNED, Step.ESCALATED})
_WORD = frozenset({*_BRIEFED, Step.BREACHED, Step.CONVERTED, Step.WON})


@dataclass(frozen=True)
class _Case:
    """One group, as it is told of."""

    last: JournalEntry
    steps: frozenset[Step]
    handoff: Handoff
    about: About
    decided: dict[str, Any] | None
    brief: Brief | None


class Teller:
    """Writes deliveries for every destination that wants to know."""

    def __init__(
        self,
        loaded: LoadedConfig,
        ledger: Ledger,
        book: Book,
        destinations: Destinations,
        gatherer: Callable[[], Gatherer],
    ) -> None:
        """Use the parts of a project; `gatherer` makes one of the facts as they are."""
        self.loaded, self._ledger, self._book = loaded, ledger, book
        self._destinations, self._gatherer = destinations, gatherer

    def deliveries(
        self, groups: Sequence[Group], about: Mapping[str, About]
    ) -> list[tuple[KeptDelivery, ...]]:
        """Return the deliveries of each group; see `Handing`."""
        names = self._destinations.names()
        if not names:
            return [() for _ in groups]
        cases = [self._case(group, about) for group in groups]
        words = [self._word(group, about) for group in groups]
        told = [case for case in cases if case is not None and case.steps & _BRIEFED]
        briefs = self._briefs(told)
        more = self._word_briefs([word for word in words if word is not None])
        found: list[tuple[KeptDelivery, ...]] = []
        for case, word in zip(cases, words, strict=True):
            kept: list[KeptDelivery] = []
            if case is not None:
                whole = replace(case, brief=briefs.get(case.handoff.handoff_id))
                kept += self._of_case(whole, names)
            if word is not None:
                kept += self._of_word(word, more[word.entry.key], names)
            found.append(tuple(kept))
        return found

    def _word(self, group: Group, about: Mapping[str, About]) -> Word | None:
        """Return what somebody is told of an account that is not handed over, if anything."""
        entry = next((item for item in group.entries if item.kind in INFORMS), None)
        known = about.get(entry.account_id) if entry is not None else None
        if entry is None or known is None or (entry.at.date() - entry.as_of).days > STALE_DAYS:
            return None
        handoff = self._book.of_account(entry.account_id)
        return Word(entry, known, handoff if handoff is not None and handoff.is_open else None)

    def _word_briefs(self, words: Sequence[Word]) -> dict[str, Brief]:
        """Return the brief of each, by the key of its entry."""
        by_day: dict[date, list[Word]] = {}
        for word in words:
            by_day.setdefault(word.about.as_of, []).append(word)
        found: dict[str, Brief] = {}
        for day, those in by_day.items():
            about = {word.about.account_id: word.about for word in those}
            present = {w.about.account_id: w.handoff for w in those if w.handoff is not None}
            stories = self._gatherer().stories(about, day, handoffs=present)
            for word in those:
                alert, risk, owner = word.alert, word.risk, word.told(self.loaded)[0]
                decision = self._last_decision(word.about)
                if alert is not None:
                    decision = replace(decision, motion=Motion.EXPANSION, play=alert.play)
                if risk is not None:
                    decision = replace(decision, play=risk.play)
                story = replace(stories[word.about.account_id], owner=owner)
                found[word.entry.key] = self._written(word.about, story, decision, word.asked)
        return found

    def _of_word(self, word: Word, brief: Brief, names: Sequence[str]) -> Iterator[KeptDelivery]:
        company = _company(word.about)
        bodies: list[tuple[DeliveryKind, Body | None]] = [
            *((DeliveryKind.MESSAGE, one) for one in word.messages(self.loaded, company, brief)),
            *((DeliveryKind.TASK, one) for one in word.tasks(self.loaded, company, brief)),
        ]
        counted: Counter[tuple[str, str]] = Counter()
        handoff_id = word.handoff.handoff_id if word.handoff is not None else None
        for name, kind, body in self._taken(bodies, word.about, names):
            kept = _kept(word.entry, name, kind, body, handoff_id)
            counted[name, kind] += 1
            nth = counted[name, kind]
            yield kept if nth == 1 else replace(kept, key=f"{kept.key}:{nth}")

    def _case(self, group: Group, about: Mapping[str, About]) -> _Case | None:
        steps = [entry for entry in group.entries if entry.kind in set(Step)]
        known = about.get(group.entries[0].account_id)
        if not steps or known is None:
            return None
        last = steps[-1]
        if any((last.at.date() - entry.as_of).days > STALE_DAYS for entry in group.entries):
            return None
        handoff = self._book.get(str(last.body["handoff_id"]))
        for entry in steps:
            handoff = follow_one(handoff, entry)
        if handoff is None:
            return None
        decided = next((item.body for item in group.entries if item.kind == DECIDED), None)
        taken = frozenset(Step(entry.kind) for entry in steps)
        return _Case(last, taken, handoff, known, decided, None)

    def _briefs(self, cases: Sequence[_Case]) -> dict[str, Brief]:
        """Return the briefs of some handoffs, by id."""
        by_day: dict[date, list[_Case]] = {}
        for case in cases:
            by_day.setdefault(case.about.as_of, []).append(case)
        found: dict[str, Brief] = {}
        for day, those in by_day.items():
            about = {case.handoff.account_id: case.about for case in those}
            handoffs = {case.handoff.account_id: case.handoff for case in those}
            stories = self._gatherer().stories(about, day, handoffs=handoffs)
            for case in those:
                story = stories[case.handoff.account_id]
                found[case.handoff.handoff_id] = self._brief(case, story)
        return found

    def _brief(self, case: _Case, story: Story) -> Brief:
        story = replace(story, owner=case.handoff.owner)
        return self._written(case.about, story, self._decision(case), case.handoff.urgent)

    def _written(self, about: About, story: Story, decision: Decision, urgent: bool) -> Brief:  # noqa: FBT001 - as `write_brief`
        row = {"account_id": about.account_id, "as_of": about.as_of, **about.values}
        score = explain_score(self.loaded.score, row, currency=self.loaded.config.currency)
        member = member_of(self.loaded.teams, story.owner)
        story = replace(story, rep=member.name if member else None)
        brief = write_brief(self.loaded, story, score, decision, urgent=urgent)
        return with_care(brief, self.loaded, self._ledger, about.values)

    def _last_decision(self, about: About, *, handed_over: bool = False) -> Decision:
        """Return what was decided on an account last, or when it was handed over last."""
        entries = self._ledger.journal(account_id=about.account_id, kinds=(DECIDED,))
        bodies = [item.body for item in entries if item.body["hand_over"] or not handed_over]
        return msgspec.convert(bodies[-1], Decision) if bodies else _undecided(about)

    def _decision(self, case: _Case) -> Decision:
        """Return the decision that opened the handoff, with the motion that it has now."""
        if case.decided is not None:
            decision = msgspec.convert(case.decided, Decision)
        else:
            decision = self._last_decision(case.about, handed_over=True)
        play = case.handoff.play or decision.play
        return replace(decision, motion=Motion(case.handoff.motion), play=play)

    # --- by destination -----------------------------------------------------------------------

    def _of_case(self, case: _Case, names: Sequence[str]) -> Iterator[KeptDelivery]:
        for name, kind, body in self._taken(list(self._bodies(case)), case.about, names):
            yield _kept(case.last, name, kind, body, case.handoff.handoff_id)

    def _taken(
        self,
        bodies: Sequence[tuple[DeliveryKind, Body | None]],
        about: About,
        names: Sequence[str],
    ) -> Iterator[tuple[str, DeliveryKind, Body]]:
        """Yield what each destination takes of some bodies, with its name."""
        for name in names:
            if not self._wants(name, about):
                continue
            kinds = {str(kind) for kind in self._destinations.type_of(name).kinds}
            writes = self._destinations.writes(name)
            for kind, body in bodies:
                if body is not None and str(kind) in kinds and _is_written(kind, writes):
                    yield name, kind, body

    def _wants(self, name: str, about: About) -> bool:
        condition = self.loaded.conditions.get(name)
        if condition is None:
            return True
        seen = {one: about.values.get(one) for one in condition.names}
        return condition.evaluate(seen) is True

    def _bodies(self, case: _Case) -> Iterator[tuple[DeliveryKind, Body]]:
        """Yield what a destination is sent of a case, if it takes such."""
        company = _company(case.about)
        yield DeliveryKind.ACCOUNT, self._values(case, company)
        brief = case.brief
        if brief is not None:
            yield from self._records(case, brief, company)
        if case.steps & _WORD:
            yield DeliveryKind.MESSAGE, self._message(case, company)

    def _records(
        self, case: _Case, brief: Brief, company: Company
    ) -> Iterator[tuple[DeliveryKind, Body]]:
        handoff = case.handoff
        for person in brief.people:
            if person.role == "champion" and person.email and person.rest is None:
                yield (
                    DeliveryKind.CONTACT,
                    Contact(company, person.email, person.name, person.title, person.role),
                )
        if Step.ROUTED in case.steps:
            acv = case.about.values.get("estimated_acv")
            yield (
                DeliveryKind.DEAL,
                Deal(
                    company,
                    f"{brief.name} - {brief.motion.replace('_', ' ')}",
                    f"{acv:.2f}" if isinstance(acv, int | float) else None,
                    self.loaded.config.currency,
                    handoff.owner,
                    f"groundswell: {brief.rule}",
                ),
            )
            yield (
                DeliveryKind.NOTE,
                Note(company, plain_text(brief), note_html(brief), case.last.at),
            )
        if handoff.owner is not None or Step.ROUTED in case.steps:
            yield (
                DeliveryKind.TASK,
                Task(
                    company,
                    subject_of(brief),
                    plain_text(brief),
                    handoff.due_at,
                    handoff.owner,
                    handoff.urgent,
                ),
            )

    def _values(self, case: _Case, company: Company) -> AccountValues:
        values, handoff = case.about.values, case.handoff
        given: dict[str, Scalar] = {
            "score": _rounded(values.get("score")),
            "tier": values.get("tier"),
            "motion": handoff.motion,
            "state": str(handoff.state),
            "qualified": values.get("qualified"),
            "play": handoff.play,
            "usage_score": _rounded(values.get("usage_score")),
            "fit_score": _rounded(values.get("fit_score")),
            "behaviour_score": _rounded(values.get("behaviour_score")),
            "estimated_acv": _rounded(values.get("estimated_acv")),
            "updated_on": case.last.at.date().isoformat(),
        }
        if case.brief is not None:
            given["reasons"] = "\n".join(
                [case.brief.sentence, *(item.sentence for item in case.brief.why_now)]
            )
        owner = handoff.owner if handoff.is_open else None
        return AccountValues(company, given, owner)

    def _message(self, case: _Case, company: Company) -> Message:
        news, subject, lines = _news(case, company.name)
        to = case.handoff.owner
        if Step.BREACHED in case.steps and Step.ASSIGNED not in case.steps:
            to = cast("str | None", case.last.body.get("manager")) or to
        brief = case.brief
        if brief is None:
            return Message(
                company,
                news,
                subject,
                "\n".join([subject, *lines]),
                news_html(subject, lines),
                news_blocks(subject, lines),
                to,
                {},
                case.last.at,
            )
        told = " ".join([subject, *lines])
        return Message(
            company,
            news,
            subject_of(brief),
            f"{told}\n\n{plain_text(brief)}",
            mail_html(brief, news=told),
            slack_blocks(brief, news=told, handoff_id=case.handoff.handoff_id),
            to,
            as_plain(brief),
            case.last.at,
        )


def _news(case: _Case, name: str) -> tuple[str, str, list[str]]:
    """Return what happened in a word, in a line, and what else there is to say."""
    handoff, why = case.handoff, str(case.last.body.get("why") or "")
    owner = str(case.last.body.get("name") or handoff.owner or "")
    if Step.ESCALATED in case.steps:
        engineer = " A solution engineer is asked for." if handoff.needs_engineer else ""
        return "escalated", f"{name} goes to enterprise: {owner or 'nobody yet'}.", [why + engineer]
    if Step.BREACHED in case.steps:
        then = [f"It is {owner}'s now."] if Step.ASSIGNED in case.steps else []
        return "breached", f"{name} was not answered in time.", then or [why]
    if Step.ASSIGNED in case.steps:
        return "assigned", f"{name} is yours, {owner}.", [why]
    if Step.ROUTED in case.steps:
        return "waiting", f"{name} waits: nobody of {handoff.team} is free.", []
    if Step.CONVERTED in case.steps:
        return "converted", f"{name} bought by itself.", ["Nothing to do: well done, product."]
    return "won", f"{name} is won.", [why]


def _is_written(kind: DeliveryKind, writes: frozenset[str]) -> bool:
    """Tell whether a kind is among what the user wants written; a value stands for its account."""
    if str(kind) in writes:
        return True
    kinds = {str(other) for other in DeliveryKind}
    return kind is DeliveryKind.ACCOUNT and bool(writes - kinds)


def _company(about: About) -> Company:
    values = about.values
    employees = values.get("employees")
    industry, country = values.get("industry"), values.get("country")
    return Company(
        about.account_id,
        about.name or about.domain or about.account_id,
        about.domain,
        int(employees) if isinstance(employees, int | float) else None,
        None if industry is None else str(industry),
        None if country is None else str(country),
    )


def _rounded(value: Scalar) -> Scalar:
    return round(float(value), 1) if isinstance(value, int | float) else value


def _kept(
    entry: JournalEntry, name: str, kind: DeliveryKind, body: Body, handoff_id: str | None
) -> KeptDelivery:
    return KeptDelivery(
        key=f"{entry.key}:{name}:{kind}",
        destination=name,
        kind=str(kind),
        account_id=entry.account_id,
        handoff_id=handoff_id,
        body=as_plain(body),
        made_at=entry.at,
        urgent=_is_urgent(body),
    )


def _is_urgent(body: Body) -> bool:
    """Tell whether somebody has to act on it at once.

    Only what is added, as messages and tasks are: values that went before older ones of the same
    account would be written over by them.
    """
    return isinstance(body, Message | Task) and body.urgent


def _undecided(about: About) -> Decision:
    """Return the decision on an account that none was recorded of."""
    return Decision(
        account_id=about.account_id,
        as_of=about.as_of,
        decided_at=datetime.combine(about.as_of, time(), UTC),
        motion=Motion.SELF_SERVE,
        rule="",
        hand_over=False,
        reason="",
        rules=(),
        guardrails=(),
        triggers=(),
        quadrant="",
        model_version="",
    )
