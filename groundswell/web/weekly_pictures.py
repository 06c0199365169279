"""The pictures of the weekly report: the weeks so far, and how recurring revenue moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from groundswell.web.pictures import BLUE, GREY, ORANGE, PALE, Row, data_of, themed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from groundswell.engine.measuring.weekly import Flow
    from groundswell.measure.recurring import Reconciled

_PANEL = 62
_COLOURS = {
    "new": BLUE,
    "reactivation": "#56B4E9",
    "expansion": PALE,
    "contraction": "#E69F00",
    "churn": ORANGE,
}


def draw_weeks_so_far(flow: Sequence[Flow], titles: Mapping[str, str]) -> alt.VConcatChart:
    """Draw each line of the week's table over the last weeks, each on a scale of its own."""
    panels: list[Any] = []
    for line in flow:
        rows: list[Row] = [
            {"week": day.isoformat(), "count": count}
            for day, count in line.trend
            if count is not None
        ]
        if not rows:
            continue
        last = line is flow[-1]
        axis = alt.Axis(format="%d %b", title=None, labels=last, ticks=last, tickCount=5)
        x = alt.X("week:T", axis=axis)
        y = alt.Y(
            "count:Q",
            title=titles.get(line.figure.metric, line.figure.metric),
            axis=alt.Axis(tickCount=2, tickMinStep=1, titleAngle=0, titleAlign="right", titleX=-34),
            scale=alt.Scale(domainMin=0),
        )
        base = alt.Chart(data_of(rows)).encode(x, y)
        end = alt.Chart(data_of(rows[-1:])).encode(x, y)
        panels.append(
            alt.layer(
                base.mark_line(color=BLUE, strokeWidth=1.5),
                end.mark_point(filled=True, size=50, color=BLUE),
            ).properties(height=_PANEL, width=300)
        )
    return themed(alt.vconcat(*panels, spacing=8))


def draw_movements(months: Sequence[Reconciled], currency: str) -> alt.LayerChart:
    """Draw what ARR gained and lost in each month, and what was left of it."""
    rows: list[Row] = [
        {"month": f"{month.first:%Y-%m}", "kind": kind, "amount": cents / 100}
        for month in months
        for kind, cents in month.moved.items()
        if cents
    ]
    nets: list[Row] = [
        {"month": f"{month.first:%Y-%m}", "net": (month.closing - month.opening) / 100}
        for month in months
    ]
    x = alt.X("month:O", axis=alt.Axis(title=None, labelAngle=-45))
    y = alt.Y("amount:Q", title=f"ARR, {currency}", axis=alt.Axis(format="~s", tickCount=5))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
        legend=alt.Legend(columns=3),
    )
    bars = alt.Chart(data_of(rows)).mark_bar(size=18).encode(x, y, colour)
    net = alt.Chart(data_of(nets)).encode(x, alt.Y("net:Q"))
    return themed(
        alt.layer(
            bars,
            net.mark_line(color=GREY, strokeWidth=1.5),
            net.mark_point(filled=True, color=GREY, size=35),
        )
    )
