"""What a receipt says, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundswell.config.shipped_block import shipped_values

if TYPE_CHECKING:
    from groundswell.config.attribution import AttributionRules
    from groundswell.measure.attribution.evidence import Evidence


def write_receipt(
    bucket: str, evidence: Evidence, *, rules: AttributionRules, rep: str | None
) -> str:
    """Return why a dollar is in its bucket.

    Args:
        bucket: That.
        evidence: By what it was decided.
        rules: The rules that decided.
        rep: Who is credited.
    """
    words: dict[str, Any] = shipped_values("attribution_words")
    said: str = words[bucket].format(
        rep=rep or words["nobody"],
        opportunity=evidence.opportunity_id,
        opened=evidence.opened_on,
        ground=_ground(words, evidence),
        outcome=_outcome(words, evidence),
    )
    sentences = [said if rep else said[0].upper() + said[1:]]
    if evidence.opportunity_id is None and evidence.qualified_on is not None:
        sentences.append(words["qualified"].format(qualified=evidence.qualified_on))
    sentences.append(_touched(words, evidence, rules))
    if evidence.footprint_on is not None:
        sentences.append(_footprint(words, evidence, rules))
    return " ".join(sentences)


def _ground(words: dict[str, Any], evidence: Evidence) -> str:
    grounds: dict[str, str] = words["grounds"]
    if evidence.qualified_on is not None:
        return grounds["pql"].format(qualified=evidence.qualified_on)
    if evidence.handed_on is not None:
        return grounds["handoff"].format(handed=evidence.handed_on)
    return grounds["footprint"]


def _outcome(words: dict[str, Any], evidence: Evidence) -> str:
    outcomes: dict[str, str] = words["outcomes"]
    if evidence.won_on is not None:
        return outcomes["won"].format(closed=evidence.won_on)
    return outcomes["open"]


def _touched(words: dict[str, Any], evidence: Evidence, rules: AttributionRules) -> str:
    if not evidence.touches:
        return words["untouched"].format(days=rules.touch_days)
    return words["touched"].format(
        reps=" and ".join(evidence.touched_by),
        times="once" if evidence.touches == 1 else f"on {evidence.touches} occasions",
        days=rules.touch_days,
        last=evidence.touched_on,
    )


def _footprint(words: dict[str, Any], evidence: Evidence, rules: AttributionRules) -> str:
    if evidence.people is None or evidence.days is None:
        return words["unknown_footprint"]
    people = f"{evidence.people:,} {'person was' if evidence.people == 1 else 'people were'}"
    return words["footprint"].format(
        day=evidence.footprint_on,
        people=people,
        active="1 day" if evidence.days == 1 else f"{evidence.days} days",
        days=rules.footprint_days,
        aha=words["aha"] if evidence.activated else "",
    )
