"""A frame of scores equals the explanation of each row, and a plain reading of the rules."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundswell.config.vocabulary import ValueType
from groundswell.model import Part
from groundswell.scoring import explain_score, needed_features, part_weights, score_frame

DAY = dt.date(2026, 3, 1)
DTYPES = {
    ValueType.NUMBER: pl.Float64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
}
NUMBERS = (
    st.none() | st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 200.0, 1000.0]) | st.floats(0, 6000)
)
VALUES = {
    ValueType.NUMBER: NUMBERS,
    ValueType.TEXT: st.none() | st.sampled_from(["software", "Fintech ", "OTHER", "Fishing", ""]),
    ValueType.BOOLEAN: st.none() | st.booleans(),
}


def frames(definition, types):
    """Frames of the features that a definition reads, any of them unknown."""
    names = sorted(needed_features(definition))
    one = st.fixed_dictionaries({name: VALUES[types[name]] for name in names})
    schema = {"account_id": pl.String, "as_of": pl.Date}
    schema |= {name: DTYPES[types[name]] for name in names}
    return st.lists(one, min_size=1, max_size=5).map(
        lambda rows: pl.DataFrame(
            [{"account_id": f"a{n}", "as_of": DAY, **row} for n, row in enumerate(rows)],
            schema=schema,
        )
    )


def naive_points(spec, values):
    """Read one component by the book: interpolate, look up, or test."""
    if spec.when is not None:
        held = spec.when.evaluate({name: values[name] for name in spec.when.names})
        return spec.unknown if held is None else spec.points * bool(held)
    value = values[spec.feature]
    if value is None:
        return spec.unknown
    if spec.lookup is not None:
        lowered = {key.lower(): points for key, points in spec.lookup.items()}
        key = value.strip().lower()
        return lowered[key] if key in lowered and key != "other" else lowered["other"]
    corners = list(zip(spec.at, spec.give, strict=True))
    if value <= corners[0][0]:
        return corners[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return corners[-1][1]


def naive_score(definition, values):
    parts = {
        part: sum(naive_points(spec, values) for spec in definition.parts[part].components)
        for part in Part
    }
    if definition.combine == "weighted":
        total = sum(definition.parts[part].weight * parts[part] for part in Part)
    elif definition.combine == "sum":
        total = sum(parts.values())
    else:
        total = parts[Part.USAGE] * parts[Part.FIT]
    return min(max(total, 0), 100)


@pytest.mark.parametrize("name", ["hybrid", "points", "buckets"])
@settings(max_examples=30)
@given(data=st.data())
def test_frame_explanation_and_the_book_agree(name, edited, types, data):
    definition = edited(name)
    features = data.draw(frames(definition, types))
    scored = score_frame(definition, features)
    for values, row in zip(
        features.iter_rows(named=True), scored.iter_rows(named=True), strict=True
    ):
        score = explain_score(definition, values)
        assert score.value == row["score"]
        assert score.value == pytest.approx(naive_score(definition, values), abs=1e-6)
        assert 0 <= score.value <= 100
        assert score.parts == {part: row[f"{part}_score"] for part in Part}
        assert score.bands == {part: row[f"{part}_band"] for part in Part}
        assert score.tier == row["tier"]
        assert (score.above_threshold, score.above_enterprise) == (
            row["above_threshold"],
            row["above_enterprise"],
        )
        for item in score.components:
            assert item.points == row[f"{item.part}.{item.name}"]


@pytest.mark.parametrize("name", ["hybrid", "points", "buckets"])
@settings(max_examples=30)
@given(data=st.data())
def test_points_add_up_to_the_score(name, edited, types, data):
    definition = edited(name)
    features = data.draw(frames(definition, types))
    weights = part_weights(definition)
    for values in features.iter_rows(named=True):
        score = explain_score(definition, values)
        for part in Part:
            given_points = (item.points for item in score.components if item.part is part)
            assert math.isclose(sum(given_points), score.parts[part], abs_tol=1e-9)
        if definition.combine == "multiply":
            total = score.parts[Part.USAGE] * score.parts[Part.FIT]
        else:
            total = sum(weights[part] * score.parts[part] for part in Part)
        assert math.isclose(min(total, 100), score.value, abs_tol=1e-6)


def test_every_row_keeps_its_place(hybrid):
    days = [DAY + dt.timedelta(days=n) for n in (2, 0, 1)]
    features = pl.DataFrame(
        {"account_id": ["b", "a", "b"], "as_of": days, "dau_7d": [25, 0, None]}
    ).with_columns(
        pl.lit(None, DTYPES[kind]).alias(name)
        for name, kind in (
            ("features_used_28d", ValueType.NUMBER),
            ("usage_trend_28d", ValueType.NUMBER),
            ("invites_sent_28d", ValueType.NUMBER),
            ("employees", ValueType.NUMBER),
            ("industry", ValueType.TEXT),
            ("tech_overlap", ValueType.NUMBER),
            ("pricing_views_28d", ValueType.NUMBER),
            ("upgrades_started_28d", ValueType.NUMBER),
            ("tickets_28d", ValueType.NUMBER),
        )
    )
    scored = score_frame(hybrid, features)
    assert scored.select("account_id", "as_of").equals(features.select("account_id", "as_of"))
    assert scored["usage.daily_active_users"].to_list() == [30, 0, 0]
    assert scored["score"].to_list() == [19, 7, 7]  # 0.40 x 30 + 0.35 x 20; 0.35 x 20


def test_no_accounts_give_no_scores(points_preset, types):
    schema = {"account_id": pl.String, "as_of": pl.Date}
    schema |= {name: DTYPES[types[name]] for name in needed_features(points_preset)}
    assert score_frame(points_preset, pl.DataFrame(schema=schema)).height == 0


def test_a_number_that_is_none_is_unknown(hybrid):
    score = explain_score(hybrid, {"account_id": "a", "as_of": DAY, "dau_7d": float("nan")})
    daily = score.components[0]
    assert (daily.known, daily.value, daily.sentence) == (False, None, "Daily active users unknown")
