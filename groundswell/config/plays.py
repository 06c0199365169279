"""`plays:` and `brief:` resolved and type-checked: what a rep is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.resolved import Briefing, Play, Saying
from groundswell.config.vocabulary import BRIEFED, ValueType
from groundswell.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.config.findings import Findings, Key
    from groundswell.config.play_schema import BriefBlock, PlayDef, SayingDef
    from groundswell.config.resolved import Rule

LINES = ("solving", "blocker", "offer", "opening")


def resolve_plays(
    plays: Mapping[str, PlayDef | None], *, types: Mapping[str, ValueType], findings: Findings
) -> dict[str, Play]:
    """Return the plays by name, in order; those that are null were taken away.

    Args:
        plays: As written.
        types: The features and what scoring adds.
        findings: Told of everything that is wrong.
    """
    found: dict[str, Play] = {}
    for name, play in plays.items():
        if play is None:
            continue
        key: Key = ("plays", name)
        when = play.when and findings.expression(
            (*key, "when"), play.when, types=types, expect=ValueType.BOOLEAN
        )
        lines = {
            line: resolve_sayings(getattr(play, line), (*key, line), types=types, findings=findings)
            for line in LINES
        }
        for place, avoided in enumerate(play.avoid):
            findings.template((*key, "avoid", place), avoided, known={**types, **BRIEFED})
        found[name] = Play(name, play.title, when or None, **lines, avoid=tuple(play.avoid))
    return found


def resolve_brief(
    ours: BriefBlock,
    shipped: Sequence[Saying],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
) -> Briefing:
    """Return how a brief is worded: the user's clauses before the shipped ones."""
    own = resolve_sayings(ours.clauses, ("brief", "clauses"), types=types, findings=findings)
    return Briefing((*own, *shipped), ours.most)


def resolve_sayings(
    sayings: Sequence[SayingDef], key: Key, *, types: Mapping[str, ValueType], findings: Findings
) -> tuple[Saying, ...]:
    """Return sentences whose conditions and names are known."""
    known = {**types, **BRIEFED}
    found: list[Saying] = []
    for place, saying in enumerate(sayings):
        here = (*key, place) if (*key, place) in findings.spots else key
        said = (*here, "say") if (*here, "say") in findings.spots else here
        findings.template(said, saying.say, known=known)
        when = saying.when and findings.expression(
            (*here, "when"), saying.when, types=types, expect=ValueType.BOOLEAN
        )
        found.append(Saying(saying.say, when or None))
    return tuple(found)


def tell_unknown_plays(
    written: Mapping[str, PlayDef | None],
    known: Mapping[str, Play],
    shipped: Mapping[str, object],
    rules: Sequence[Rule],
    positions: Sequence[int],
    *,
    findings: Findings,
) -> None:
    """Tell of rules that name a play that is not there, and of plays to take away that are not.

    Args:
        written: The user's plays.
        known: All there are.
        shipped: Those that ship.
        rules: The user's rules.
        positions: Where each of them stands in its list.
        findings: Told of them.
    """
    for name, play in written.items():
        if play is None and name not in shipped:
            near = nearest(name, shipped)
            fix = f"Did you mean `{near}`?" if near else "Take the line out."
            what = f"There is no shipped play `{name}` to take away."
            findings.tell(("plays", name), "config-unknown-play", what, fix, at_key=True)
    for rule, position in zip(rules, positions, strict=False):
        if rule.play is not None and rule.play not in known:
            near = nearest(rule.play, known)
            hint = f"Did you mean `{near}`? " if near else ""
            findings.tell(
                ("motions", position, "play"),
                "config-unknown-play",
                f"Unknown play `{rule.play}`.",
                f"{hint}Plays: {', '.join(known)}.",
            )
