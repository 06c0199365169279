"""The picture of the overlay: every signal of the last quarters, and how loud it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from groundswell.overlay.signals.signal import SignalState
from groundswell.overlay.words import said
from groundswell.web.pictures import Row, data_of, themed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.overlay.signals.signal import Signal

_COLOURS = {
    SignalState.QUIET: "#F1F1F1",
    SignalState.WATCH: "#F6D9B8",
    SignalState.FIRING: "#B8480A",
    SignalState.UNKNOWN: "#FFFFFF",
}
_QUARTERS = 6
_HIGH, _WIDE = 32, 52


def draw_signals(signals: Mapping[str, tuple[Signal, ...]]) -> alt.LayerChart:
    """Draw a field for each signal and quarter, with the number in it."""
    shown = dict(list(signals.items())[-_QUARTERS:])
    rows: list[Row] = [
        {
            "signal": said("short", one.name),
            "quarter": quarter,
            "state": str(one.state),
            "value": "?" if one.value is None else str(one.figure).split(" ", maxsplit=1)[0],
        }
        for quarter, told in shown.items()
        for one in told
    ]
    names = list(dict.fromkeys(row["signal"] for row in rows))
    axis = alt.Axis(title=None, labelAngle=0, grid=False, labelFontSize=11)
    x = alt.X("quarter:O", axis=axis, sort=list(shown))
    y = alt.Y("signal:O", axis=alt.Axis(title=None, grid=False), sort=names)
    scale = alt.Scale(domain=list(map(str, _COLOURS)), range=list(_COLOURS.values()))
    base = alt.Chart(data_of(rows)).encode(x, y)
    field = base.mark_rect(stroke="#BBBBBB").encode(
        alt.Color("state:N", scale=scale, legend=alt.Legend(columns=4))
    )
    is_dark = f"datum.state === '{SignalState.FIRING}'"
    text = base.mark_text(fontSize=12).encode(
        alt.Text("value:N"), color=alt.condition(is_dark, alt.value("white"), alt.value("#222222"))
    )
    size = {"width": _WIDE * len(shown), "height": _HIGH * len(names)}
    return themed(alt.layer(field, text).properties(**size))
