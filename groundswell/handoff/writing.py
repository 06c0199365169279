"""Writing a brief: every sentence from a template and the account's own numbers, none invented."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from groundswell.config.sentences import fill, names_in, write_amount, write_value
from groundswell.handoff.brief import Brief, Fact, Reason, Story, Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import Play, Saying
    from groundswell.model import Component, Decision, Scalar, Score

MOST_REASONS = 5
MOST_COMPONENTS = 5
MOST_HISTORY = 8
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
    return Brief(
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
        components=tuple(_strongest(score.components)),
        account=tuple(_account(story, currency)),
        usage=tuple(_usage(story)),
        trend=story.trend,
        limits=tuple(_limits(values)),
        intent=tuple(_intent(story, values)),
        people=story.people,
        play=suggest(loaded, decision.play, values),
        history=tuple(sorted(story.history, key=lambda item: item.at, reverse=True)[:MOST_HISTORY]),
        owner=story.owner,
        due_at=story.due_at,
        urgent=urgent,
        rule=one_line(decision.rule),
    )


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


def _strongest(components: Sequence[Component]) -> Iterator[str]:
    given = [item for item in components if item.points > 0 and item.sentence]
    for item in sorted(given, key=lambda one: -one.points)[:MOST_COMPONENTS]:
        yield one_line(item.sentence)


def _account(story: Story, currency: str) -> Iterator[Fact]:
    values = story.values
    if story.domain:
        yield Fact("Domain", story.domain)
    for label, name in (
        ("Employees", "employees"),
        ("Industry", "industry"),
        ("Country", "country"),
        ("People here", "users_total"),
        ("Plan", "plan"),
    ):
        value = values.get(name)
        if value is not None:
            yield Fact(label, write_value(value))
    mrr = values.get("mrr")
    if isinstance(mrr, int | float) and mrr:
        yield Fact("Pays a month", write_amount(float(mrr), currency=currency))
    acv = values.get("estimated_acv")
    if isinstance(acv, int | float):
        yield Fact("Could be worth a year", write_value(acv, style="money", currency=currency))
    if story.added_arr:
        more = write_value(story.added_arr, style="money", currency=currency)
        yield Fact("More a year", f"about {more}")


def _usage(story: Story) -> Iterator[Fact]:
    values = story.values
    age = values.get("account_age_days")
    if isinstance(age, int | float):
        yield Fact("Signed up", _ago(age))
    active = values.get("active_users_28d")
    if isinstance(active, int | float):
        days = values.get("active_days_28d")
        often = f", on {write_value(days)} of 28 days" if isinstance(days, int | float) else ""
        yield Fact("Active people", f"{write_value(active)} in four weeks{often}")
    trend = values.get("usage_trend_28d")
    if isinstance(trend, int | float):
        times = write_value(trend, style="times")
        yield Fact("Against the four weeks before", times)
    yield from story.features


def _limits(values: Mapping[str, Scalar]) -> Iterator[Fact]:
    for label, used, limit in (
        ("Seats", "seats_used", "seat_limit"),
        ("Usage", "usage_ratio", "usage_limit"),
    ):
        of, allowed = values.get(used), values.get(limit)
        if not isinstance(of, int | float) or not isinstance(allowed, int | float):
            continue
        if used == "usage_ratio":
            share = write_value(of, style="percent")
            yield Fact(label, f"{share} of {write_value(allowed)} a month")
        else:
            yield Fact(label, f"{write_value(of)} of {write_value(allowed)}")
    hits = values.get("limit_hits_28d")
    if isinstance(hits, int | float) and hits > 0:
        last = values.get("days_since_limit_hit")
        when = f", last {_ago(last)}" if isinstance(last, int | float) else ""
        yield Fact("Limits hit", f"{_often(hits)} in four weeks{when}")


_INTENT = (
    ("Pricing viewed", "pricing_views_28d", "days_since_pricing_viewed"),
    ("Upgrades started", "upgrades_started_28d", "days_since_upgrade_started"),
    ("Enterprise features looked at", "enterprise_feature_views_28d", None),
    ("Asked for a person", "hand_raises_28d", "days_since_hand_raised"),
    ("Invoice asked for", "invoice_requests_28d", "days_since_invoice_requested"),
    ("Procurement", "procurement_asks_28d", "days_since_procurement_asked"),
    ("Security", "security_asks_28d", "days_since_security_asked"),
    ("Tickets", "tickets_28d", "days_since_support_ticket"),
    ("Features asked for", "feature_requests_28d", "days_since_feature_requested"),
)


def _intent(story: Story, values: Mapping[str, Scalar]) -> Iterator[Fact]:
    for label, name, last in _INTENT:
        count = values.get(name)
        if not isinstance(count, int | float) or count <= 0:
            continue
        days = values.get(last) if last else None
        when = f", last {_ago(days)}" if isinstance(days, int | float) else ""
        yield Fact(label, f"{_often(count)} in four weeks{when}")
    for request in story.requests:
        yield Fact("Ticket", request)


def _often(count: float) -> str:
    return write_value(count, style="often")


def _ago(days: float) -> str:
    return write_value(days, style="ago")


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
    )


def _line(text: str | None) -> str | None:
    return None if text is None else one_line(text) or None
