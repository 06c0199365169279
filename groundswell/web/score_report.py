"""What makes the score of one account, as a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.web.document import Picture, Report, Section, Table
from groundswell.web.pictures import draw_waterfall, is_factor
from groundswell.web.wording import share, signed

if TYPE_CHECKING:
    from groundswell.engine.reports import Explanation
    from groundswell.model import Component


def report_explanation(story: Explanation, *, title: str) -> Report:
    """Say what an account's score is made of."""
    return Report(
        title=title,
        about=f"{_name(story)}, as of {story.as_of}, scored by `{story.model_version}`.",
        verdict=_verdict(story),
        sections=(
            Section(
                "From nothing to the score",
                pictures=(
                    Picture(
                        "score",
                        "What each component gives",
                        "In points of the score, weighted as its part is. What gives or takes "
                        "most comes first.",
                        draw_waterfall(story),
                    ),
                ),
            ),
            Section("Components", notes=_parts(story), table=_components(story)),
        ),
    )


def _verdict(story: Explanation) -> tuple[str, ...]:
    side = "above the threshold of" if story.above_threshold else "not above the threshold of"
    standing = "it is qualified" if story.qualified else "it is not qualified"
    since = f" since {story.qualified_since}" if story.qualified_since else ""
    who = story.name or story.account_id
    said = [f"{who} has {story.score:.1f} points, {side} {story.threshold:g}; {standing}{since}."]
    if story.reasons:
        said.append(f"What speaks for it most: {'; '.join(story.reasons)}.")
    if story.chance is not None:
        said.append(
            f"Of accounts with that score, {share(story.chance)} come to the outcome in time."
        )
    return tuple(said)


def _parts(story: Explanation) -> tuple[str, ...]:
    parts = "; ".join(
        f"{part} {value:.2f}, by which the others are multiplied"
        if is_factor(story, part)
        else f"{part} {value:.1f}, which counts {story.weights.get(part, 0.0):.4g} times"
        for part, value in story.parts.items()
    )
    said = f"Every account has {story.base:.1f} points to begin with. " if story.base else ""
    return (f"{said}Parts: {parts}.",)


def _components(story: Explanation) -> Table:
    rows = tuple(
        (
            f"`{item.name}`",
            str(item.part),
            f"{item.points:.1f} of {item.max:.1f}",
            "in the factor" if is_factor(story, item.part) else signed(_weighted(story, item)),
            item.sentence,
        )
        for item in sorted(
            story.components,
            key=lambda item: (is_factor(story, item.part), -abs(_weighted(story, item))),
        )
    )
    heads = ("component", "part", "points of its part", "times its weight", "why")
    return Table(heads, rows, words=frozenset((1,)), prose=frozenset((4,)))


def _weighted(story: Explanation, item: Component) -> float:
    return item.points * story.weights.get(item.part, 0.0)


def _name(story: Explanation) -> str:
    return f"{story.name} ({story.account_id})" if story.name else story.account_id
