"""Writing a brief: every sentence from a template and the account's own numbers, none invented."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from groundswell.config.sentences import fill, names_in
from groundswell.handoff.brief import Brief, Fact, Reason, Story, Suggestion
from groundswell.handoff.facts import account_facts, intent_facts, limit_facts, usage_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Play, Saying
    from groundswell.model import Component, Decision, Scalar, Score

MOST_REASONS = 5
MOST_COMPONENTS = 5
MOST_HISTORY = 8
NOBODY = "nobody may contact the account"
"""Why people of an account are not written to that nobody may contact."""

_JOINERS = frozenset("\u200c\u200d")
"""Signs that cannot be seen, and without which some scripts cannot be written."""


def write_brief(
    loaded: LoadedConfig, story: Story, score: Score, decision: Decision, *, urgent: bool = False
) -> Brief:
    """Write the brief of an account. The same arguments always give the same brief.

    Args:
        loaded: Plays, templates and currency.
        story: What is known of the account.
        score: Its score, with sentences.
        decision: What was decided, with the triggers that hold.
        urgent: Whether somebody asked for a person.
    """
    currency = loaded.config.currency
    story = _in_lines(story)
    name = story.name or story.domain or story.account_id
    values = {**story.values, **_named(story, name)}
    triggers = sorted(decision.triggers, key=lambda item: item.since, reverse=True)
    history = sorted(story.history, key=lambda item: item.at, reverse=True)
    components = _strongest(score.components)
    brief = Brief(
        account_id=story.account_id,
        name=name,
        domain=story.domain,
        as_of=score.as_of,
        sentence=write_sentence(loaded, name, values),
        why_now=tuple(
            Reason(one_line(item.sentence), item.since) for item in triggers[:MOST_REASONS]
        ),
        score=round(score.value, 1),
        tier=str(score.tier),
        motion=str(decision.motion),
        parts={str(part): round(value, 1) for part, value in score.parts.items()},
        components=tuple(components[:MOST_COMPONENTS]),
        account=tuple(account_facts(story, currency)),
        usage=tuple(usage_facts(story)),
        trend=story.trend,
        limits=tuple(limit_facts(values)),
        intent=tuple(intent_facts(story, values)),
        people=story.people,
        play=suggest(loaded, decision.play, values),
        history=tuple(history[:MOST_HISTORY]),
        owner=story.owner,
        due_at=story.due_at,
        urgent=urgent,
        rule=one_line(decision.rule),
        more=_only_some(
            people=story.more.get("people", 0),
            usage=story.more.get("features", 0),
            intent=story.more.get("requests", 0),
            why_now=len(triggers) - MOST_REASONS,
            components=len(components) - MOST_COMPONENTS,
            history=len(history) - MOST_HISTORY,
        ),
    )
    return brief if story.do_not_contact is None else _barred(brief, story.do_not_contact)


def _barred(brief: Brief, who: str) -> Brief:
    """Return the brief of an account that nobody may contact: there is nothing to write to it."""
    return replace(
        brief,
        do_not_contact=who,
        due_at=None,
        play=None if brief.play is None else replace(brief.play, opening=None),
        people=tuple(replace(person, rest=person.rest or NOBODY) for person in brief.people),
    )


def _only_some(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 0}


def write_sentence(loaded: LoadedConfig, name: str, values: Mapping[str, Scalar]) -> str:
    """Return the account's name and the first clauses that hold, as one sentence."""
    currency = loaded.config.currency
    said: dict[str, str] = {}
    for clause in loaded.briefing.clauses:
        about = clause.about or clause.saying.say
        if about not in said and _can_say(clause.saying, values):
            said[about] = fill(clause.saying.say, values, currency=currency)
    clauses = list(said.values())[: loaded.briefing.most]
    if not clauses:
        return f"Nothing stands out of {name} yet."
    joined = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
    return f"{name} {joined}."


def suggest(
    loaded: LoadedConfig, named: str | None, values: Mapping[str, Scalar]
) -> Suggestion | None:
    """Return what is advised: the play that the rule names, else the first that holds."""
    play = loaded.plays.get(named or "") or next(
        (item for item in loaded.plays.values() if _holds(item, values)), None
    )
    if play is None:
        return None
    currency = loaded.config.currency
    return Suggestion(
        play.name,
        play.title,
        *(
            _first(lines, values, currency)
            for lines in (play.solving, play.blocker, play.offer, play.opening)
        ),
        avoid=tuple(
            fill(saying.say, values, currency=currency)
            for saying in play.avoid
            if _can_say(saying, values)
        ),
    )


def _first(sayings: Sequence[Saying], values: Mapping[str, Scalar], currency: str) -> str | None:
    for saying in sayings:
        if _can_say(saying, values):
            return fill(saying.say, values, currency=currency)
    return None


def _can_say(saying: Saying, values: Mapping[str, Scalar]) -> bool:
    if saying.when is not None:
        seen = {name: values.get(name) for name in saying.when.names}
        if saying.when.evaluate(seen) is not True:
            return False
    return _is_known(saying.say, values)


def _is_known(template: str, values: Mapping[str, Scalar]) -> bool:
    return all(values.get(name) is not None for name in names_in(template))


def _holds(play: Play, values: Mapping[str, Scalar]) -> bool:
    if play.when is None:
        return False
    seen = {name: values.get(name) for name in play.when.names}
    return play.when.evaluate(seen) is True


def _named(story: Story, name: str) -> dict[str, Scalar]:
    """Return what sentences may name beside features; see `vocabulary.BRIEFED`."""
    by_role = {person.role: person for person in reversed(story.people) if person.role}
    champion = by_role.get("champion")
    admin, senior = by_role.get("admin"), by_role.get("senior")
    return {
        "account_name": name,
        "company": story.company or None,
        "rep": story.rep,
        "champion": champion.called if champion else None,
        "champion_title": champion.title if champion else None,
        "admin": admin.called if admin else None,
        "senior": senior.called if senior else None,
        "added_arr": story.added_arr,
        "next_plan": story.next_plan,
    }


def _strongest(components: Sequence[Component]) -> list[str]:
    """Return what gave points, the most first."""
    given = [item for item in components if item.points > 0 and item.sentence]
    return [one_line(item.sentence) for item in sorted(given, key=lambda one: -one.points)]


def one_line(text: str) -> str:
    r"""Return a text from outside as one line of what can be seen.

    A name may hold line ends that forge a heading, or signs that move a terminal's cursor.

    >>> one_line("Acme\nPLAY\x1b[2J  Inc")
    'Acme PLAY [2J Inc'
    """
    seen = (sign if sign.isprintable() or sign in _JOINERS else " " for sign in text)
    return " ".join("".join(seen).split())


def _in_lines(story: Story) -> Story:
    """Return the story with every text of it in one line."""
    return replace(
        story,
        name=_line(story.name),
        domain=_line(story.domain),
        values={
            name: one_line(value) if isinstance(value, str) else value
            for name, value in story.values.items()
        },
        people=tuple(
            replace(
                person,
                user_id=one_line(person.user_id),
                name=_line(person.name),
                email=_line(person.email),
                title=_line(person.title),
                rest=_line(person.rest),
            )
            for person in story.people
        ),
        features=tuple(Fact(one_line(fact.label), one_line(fact.value)) for fact in story.features),
        requests=tuple(one_line(request) for request in story.requests),
        history=tuple(
            replace(item, what=one_line(item.what), who=_line(item.who)) for item in story.history
        ),
        rep=_line(story.rep),
        owner=_line(story.owner),
        next_plan=_line(story.next_plan),
        do_not_contact=_line(story.do_not_contact),
    )


def _line(text: str | None) -> str | None:
    return None if text is None else one_line(text) or None
