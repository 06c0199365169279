"""`plays:` and `brief:` resolved and type-checked: what a rep is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.resolved import Briefing, Clause, Play, Rewriting, Saying
from groundswell.config.secrets import references
from groundswell.config.stores import tell_secrets
from groundswell.config.vocabulary import BRIEFED, ValueType
from groundswell.errors import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from groundswell.config.findings import Findings, Key
    from groundswell.config.play_schema import (
        BriefBlock,
        ClauseDef,
        PlayDef,
        RewriteBlock,
        SayingDef,
    )
    from groundswell.config.schema import MotionRule

    Places = Callable[[Key, int], Sequence[int]]

LINES = ("solving", "blocker", "offer", "opening", "avoid")


def as_written(_: Key, length: int) -> Sequence[int]:
    """Return where the entries of a list stood, of which none was taken out."""
    return range(length)


def resolve_plays(
    plays: Mapping[str, PlayDef | None],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
    places: Places = as_written,
) -> dict[str, Play]:
    """Return the plays by name, in order; those that are null were taken away.

    Args:
        plays: As written.
        types: The features and what scoring adds.
        findings: Told of everything that is wrong.
        places: Says where the entries of a list stood that are left of it.
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
            line: resolve_sayings(
                getattr(play, line), (*key, line), types=types, findings=findings, places=places
            )
            for line in LINES
        }
        found[name] = Play(name, play.title, when or None, **lines)
    return found


def resolve_brief(
    ours: BriefBlock,
    shipped: Sequence[Clause],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
    places: Places,
) -> Briefing:
    """Return how a brief is worded: the user's clauses before the shipped ones."""
    own = resolve_clauses(ours.clauses, types=types, findings=findings, places=places)
    rewriting = _resolve_rewriting(ours.rewrite, findings=findings) if ours.rewrite else None
    return Briefing((*own, *shipped), ours.most, rewriting)


def resolve_clauses(
    clauses: Sequence[ClauseDef],
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
    places: Places = as_written,
) -> tuple[Clause, ...]:
    """Return the clauses of the first sentence whose conditions and names are known."""
    key: Key = ("brief", "clauses")
    sayings = resolve_sayings(clauses, key, types=types, findings=findings, places=places)
    return tuple(
        Clause(saying, clause.about) for saying, clause in zip(sayings, clauses, strict=True)
    )


def _resolve_rewriting(block: RewriteBlock, *, findings: Findings) -> Rewriting:
    key: Key = ("brief", "rewrite")
    tell_secrets(block.model_dump(exclude_none=True), key, findings)
    if not references(block.url) and not block.url.startswith(("http://", "https://")):
        what = "`url` is no address of a web server."
        fix = "Write it like `https://models.acme.example/v1`."
        findings.tell((*key, "url"), "config-bad-url", what, fix)
    return Rewriting(block.url, block.model, block.token, block.timeout)


def resolve_sayings(
    sayings: Sequence[SayingDef],
    key: Key,
    *,
    types: Mapping[str, ValueType],
    findings: Findings,
    places: Places = as_written,
) -> tuple[Saying, ...]:
    """Return sentences whose conditions and names are known."""
    known = {**types, **BRIEFED}
    found: list[Saying] = []
    for place, saying in zip(places(key, len(sayings)), sayings, strict=True):
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
    known: Collection[str],
    shipped: Mapping[str, object],
    rules: Sequence[MotionRule],
    positions: Sequence[int],
    *,
    findings: Findings,
) -> None:
    """Tell of rules that name a play that is not there, and of plays to take away that are not.

    Args:
        written: The user's plays.
        known: All there are, and those that something is wrong with.
        shipped: Those that ship.
        rules: The user's rules, as written.
        positions: Where each of them stands in its list.
        findings: Told of them.
    """
    for name, play in written.items():
        if play is None and name not in shipped:
            near = nearest(name, shipped)
            fix = f"Did you mean `{near}`?" if near else "Take the line out."
            what = f"There is no shipped play `{name}` to take away."
            findings.tell(("plays", name), "config-unknown-play", what, fix, at_key=True)
    for rule, position in zip(rules, positions, strict=True):
        if rule.play is not None and rule.play not in known:
            findings.tell(
                ("motions", position, "play"),
                "config-unknown-play",
                f"Unknown play `{rule.play}`.",
                did_you_mean(rule.play, known, noun="Plays"),
            )
