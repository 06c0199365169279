"""A model as a definition: written and read again the same, scored and explained the same."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import spearmanr

from groundswell.config.definitions import parse_definition, write_definition
from groundswell.config.vocabulary import ValueType, feature_types
from groundswell.model import Part
from groundswell.scoring import explain_score, needed_features, score_frame
from groundswell.scoring.learning import Plan, Prior, Wording, define, examples_of, finish, learn
from groundswell.scoring.learning.definition import FITTED, LEAST_SPREAD
from groundswell.scoring.learning.measures import rank_auc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import ComponentSpec, ScoreDef
    from groundswell.scoring.learning import Lesson

PRESETS = ("hybrid", "points", "buckets")
FIRST = dt.date(2026, 1, 5)
TELLING = ("limit_hits_28d", "account_age_days", "country", "has_friction")
NOISE = ("admin_actions_28d", "days_since_hand_raised", "plan", "is_onboarding")
LEVELS = {
    "industry": ["software", "Fintech ", "fishing", "media", "MEDIA"],
    "country": ["us", "DE", "fr", "es", "nz"],
    "plan": ["free", "team"],
}


@dataclass(frozen=True)
class Fit:
    """What was learned near a preset."""

    loaded: LoadedConfig
    prior: Prior
    rows: pl.DataFrame
    lesson: Lesson
    definition: ScoreDef
    types: Mapping[str, ValueType]

    @property
    def label(self):
        return self.rows["label"].to_numpy()

    @property
    def components(self) -> dict[str, ComponentSpec]:
        parts = self.definition.parts.values()
        return {spec.name: spec for part in parts for spec in part.components}

    def scores(self, definition=None):
        return score_frame(definition or self.definition, self.rows)["score"].to_numpy()

    def said(self):
        """Return what the model itself says, on the definition's scale."""
        examples, _ = examples_of(self.rows, self.prior, left_out={})
        points = self.lesson.points.within(self.lesson.learned)
        return points.scores(examples.features)


def make_rows(names, types, *, size, seed) -> pl.DataFrame:
    """Rows of features by chance, a tenth of each unknown."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name in sorted(names):
        if types[name] is ValueType.TEXT:
            values = pl.Series(rng.choice(LEVELS[name], size))
        elif types[name] is ValueType.BOOLEAN:
            values = pl.Series(rng.random(size) < 0.3)
        elif name == "account_age_days":
            values = pl.Series(rng.integers(0, 400, size))
        elif name in {"tech_overlap", "usage_trend_28d"}:
            values = pl.Series(rng.random(size) * 2)
        else:
            values = pl.Series(np.floor(rng.lognormal(1, 1.2, size)))
        columns[name] = values.set(pl.Series(rng.random(size) < 0.1), None)
    week = np.arange(size) * 40 // size
    return pl.DataFrame(
        {
            "account_id": [f"a{k:05}" for k in rng.permutation(size) % (size // 3)],
            "as_of": [FIRST + dt.timedelta(weeks=int(k)) for k in week],
            **columns,
        }
    )


def learn_near(loaded, truth, extra=(), *, size=1_800, seed=0, challenged=False, **columns) -> Fit:
    """Learn from rows whose outcomes are by chance, with the log-odds `truth(rows, score)`."""
    score, types = loaded.score, feature_types(loaded.features)
    rows = make_rows({*needed_features(score), *extra}, types, size=size, seed=seed)
    rng = np.random.default_rng(seed + 1)
    rows = rows.with_columns(**{name: values(rng, size) for name, values in columns.items()})
    given_ = score_frame(score, rows)["score"].to_numpy()
    standard = (given_ - given_.mean()) / given_.std()
    label = rng.random(size) < expit(truth(rows, standard))
    rows = rows.with_columns(
        label=pl.Series(label),
        came_on=pl.lit(None, dtype=pl.Date),
        acv=pl.lit(None, dtype=pl.Float64),
        weight=pl.lit(1.0),
    )
    prior = Prior.of(score, rows)
    examples, left_out = examples_of(rows, prior, left_out={})
    plan = Plan(by_time=True, prior=prior.weights, most=5, challenged=challenged)
    lesson = learn(examples, plan, left_out=left_out)

    def word(name):
        kind = types[name]
        part = Part.FIT if kind is ValueType.TEXT else Part.BEHAVIOUR
        return Wording(part, kind, f"{name} is {{{name}}}", f"{name} unknown")

    return Fit(loaded, prior, rows, lesson, define(lesson, prior, word, rows), types)


def some_tell(rows, score):
    known = rows.select(
        limits=pl.col("limit_hits_28d").fill_null(2.0).log1p(),
        age=(pl.col("account_age_days").fill_null(100) - 200).clip(lower_bound=0) / 100.0,
        us=(pl.col("country") == "us").fill_null(value=False).cast(pl.Float64),
        friction=pl.col("has_friction").fill_null(value=False).cast(pl.Float64),
    )
    weights = np.array([0.7, -0.8, 1.2, 0.9])
    return -2.0 + 0.7 * score + known.to_numpy() @ weights


@pytest.fixture(scope="module")
def fitted(loaded):
    """What was learned near a preset, where that and four other features tell."""
    known: dict[str, Fit] = {}

    def fit(name: str) -> Fit:
        if name not in known:
            known[name] = learn_near(loaded(name), some_tell, (*TELLING, *NOISE))
        return known[name]

    return fit


# --- the hand-made score taken apart --------------------------------------------------------


@pytest.mark.parametrize("name", ["hybrid", "points"])
def test_points_of_the_hand_made_components_add_up_to_its_score(name, edited, types):
    score = edited(name)
    rows = make_rows(needed_features(score), types, size=200, seed=3)
    prior = Prior.of(score, rows)
    total = sum(prior.weights[column.name] * column.to_numpy() for column in prior.columns(rows))
    assert np.clip(total, 0, 100) == pytest.approx(score_frame(score, rows)["score"].to_numpy())
    assert {f"{spec.part}.{spec.name}" for spec in prior.specs.values()} == set(prior.specs)


@pytest.mark.parametrize("edit", [{}, {"usage": {"integrations_sso": None}}])
def test_where_parts_multiply_each_is_weighed_by_the_mean_of_the_other(edit, edited, types):
    score = edited("buckets", **edit)
    rows = make_rows(needed_features(score), types, size=200, seed=3)
    prior, scored = Prior.of(score, rows), score_frame(score, rows)
    scale = 100 / 98 if edit else 1.0  # of parts of usage, which total 100 again
    for name in ("usage.seats_count", "usage.integrations_crm"):
        assert prior.weights[name] == pytest.approx(scored["fit_score"].mean() * scale)
    for name in ("fit.company_size", "fit.personal_address"):
        assert prior.weights[name] == pytest.approx(scored["usage_score"].mean())


# --- the definition -------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_learned_keeps_the_hand_made_words_and_adds_features(name, fitted):
    fit = fitted(name)
    found, score = fit.definition, fit.prior.score
    assert (found.preset, found.combine) == (FITTED, "sum")
    assert found.version.startswith("fitted-")
    assert (found.qualified, found.enterprise) == (score.qualified, score.enterprise)
    by_hand = {spec.name: spec for spec in fit.prior.specs.values()}
    for spec in fit.components.values():
        if spec.name in by_hand:
            before = by_hand[spec.name]
            assert (spec.feature, spec.when) == (before.feature, before.when)
            assert (spec.part, spec.say) == (before.part, before.say)
        else:
            assert spec.say == f"{spec.name} is {{{spec.name}}}"
    own = set(fit.components) - set(by_hand)
    assert set(TELLING) <= own
    assert len(own) <= 5
    assert fit.lesson.study.verdict == "ok"


@pytest.mark.parametrize("name", PRESETS)
def test_written_and_read_again_it_is_the_same(name, fitted):
    fit = fitted(name)
    found = finish(fit.definition, qualified=61.5, enterprise=None, learned_until=FIRST)
    for definition in (fit.definition, found):
        text = write_definition(definition, notes={"country": "new"})
        again = parse_definition(text, "fitted.yaml", fit.loaded)
        assert again.version == definition.version
        assert again == definition
        assert score_frame(again, fit.rows).equals(score_frame(definition, fit.rows))
        assert write_definition(again, notes={"country": "new"}) == text


@pytest.mark.parametrize(
    "level",
    [
        *["us", "a: b", "a #b", "#b", "null", "~", "no", "1e3", "0x1f", "2026-01-01", "{a}", "[a"],
        *["", "'a'", '"', "a, b", "- a", "-", "&a", "*a", "!a", "%a", "@a", "a\tb", "é", "unknown"],
        ":a",
        "? a",
    ],
)
def test_a_level_of_any_spelling_is_read_as_it_was_written(level, fitted):
    fit = fitted("points")
    spec = dataclasses.replace(fit.components["country"], lookup={level: 1.5, "other": 0.0})
    parts = dict(fit.definition.parts)
    parts[Part.FIT] = dataclasses.replace(parts[Part.FIT], components=(spec,))
    written = write_definition(dataclasses.replace(fit.definition, parts=parts))
    again = parse_definition(written, "fitted.yaml", fit.loaded)
    assert again.parts[Part.FIT].components == (spec,)


@pytest.mark.parametrize("name", PRESETS)
def test_what_hardly_moves_the_score_is_left_out_and_points_are_tenths(name, fitted):
    fit = fitted(name)
    scored = score_frame(fit.definition, fit.rows)
    for spec in fit.components.values():
        assert scored[f"{spec.part}.{spec.name}"].std(ddof=0) >= LEAST_SPREAD
        given_ = spec.give or (spec.lookup and spec.lookup.values()) or (spec.points,)
        for points in (*given_, spec.unknown):
            assert points == round(points, 1)
            assert str(points) != "-0.0"
        if spec.at is not None:
            assert list(spec.at) == sorted(set(spec.at))
    assert fit.definition.base == round(fit.definition.base, 1)


@pytest.mark.parametrize("name", PRESETS)
def test_the_definition_ranks_and_scores_as_the_model_does(name, fitted):
    fit = fitted(name)
    ours, model, even = fit.scores(), fit.said(), np.ones(len(fit.rows))
    assert rank_auc(ours, fit.label, even) == pytest.approx(
        rank_auc(model, fit.label, even), abs=0.01
    )
    assert np.abs(ours - model).mean() < 0.6
    assert np.abs(ours - model).max() < 3.0
    by_hand = rank_auc(fit.scores(fit.prior.score), fit.label, even)
    assert rank_auc(ours, fit.label, even) > by_hand + 0.03


def test_steps_that_won_are_corners_of_a_curve(loaded):
    def truth(rows, score):
        age = rows["account_age_days"].fill_null(0).to_numpy()
        return -2.0 + 0.5 * score + 3.0 * ((age >= 90) & (age < 120)) + 3.0 * (age >= 380)

    fit = learn_near(loaded("hybrid"), truth, TELLING, size=6_000, challenged=True)
    assert fit.lesson.study.challenge.promoted
    age = next(spec for spec in fit.components.values() if spec.feature == "account_age_days")
    inside, before, after = np.interp([100, 70, 150], age.at, age.give)
    assert inside > max(before, after) + 10
    even = np.ones(len(fit.rows))
    ours, model = (rank_auc(said, fit.label, even) for said in (fit.scores(), fit.said()))
    assert ours == pytest.approx(model, abs=0.005)
    assert np.abs(fit.scores() - fit.said()).mean() < 0.6
    again = parse_definition(write_definition(fit.definition), "fitted.yaml", fit.loaded)
    assert score_frame(again, fit.rows).equals(score_frame(fit.definition, fit.rows))


@pytest.mark.parametrize("name", PRESETS)
def test_where_only_the_hand_made_score_tells_it_ranks_as_that_does(name, loaded):
    fit = learn_near(loaded(name), lambda rows, score: -1.0 + score, NOISE, size=1_500)
    assert spearmanr(fit.scores(), fit.scores(fit.prior.score)).statistic > 0.95


@pytest.mark.parametrize("name", PRESETS)
def test_the_chance_rises_with_the_score_and_is_the_models(name, fitted):
    fit = fitted(name)
    curve = fit.definition.chance
    assert curve.at == tuple(range(0, 101, 5))
    assert (np.diff(curve.give) >= 0).all()
    assert 0 <= curve.give[0] < curve.give[-1] <= 1
    points = fit.lesson.points
    log_odds = points.model.log_odds(examples_of(fit.rows, fit.prior, left_out={})[0].features)
    model, ours = points.calibration.chance(log_odds), np.interp(fit.said(), curve.at, curve.give)
    uncut = (fit.said() > 0) & (fit.said() < 100)
    assert uncut.mean() > 0.7
    assert ours[uncut] == pytest.approx(model[uncut], abs=0.01)
    said = np.interp(fit.scores(), curve.at, curve.give)
    assert said.mean() == pytest.approx(fit.label.mean(), abs=0.04)


def test_lines_and_the_last_day_learned_from_are_part_of_the_version(fitted):
    found = fitted("hybrid").definition
    day = dt.date(2026, 6, 1)
    one = finish(found, qualified=61.5, enterprise=88.0, learned_until=day)
    assert (one.qualified.above, one.enterprise.above) == (61.5, 88.0)
    assert (one.qualified.at_least, one.learned_until) == (None, day)
    others = [
        found,
        finish(found, qualified=61.4, enterprise=88.0, learned_until=day),
        finish(found, qualified=61.5, enterprise=None, learned_until=day),
        finish(found, qualified=61.5, enterprise=88.0, learned_until=day + dt.timedelta(days=1)),
    ]
    assert others[2].enterprise is None
    assert len({one.version, *(other.version for other in others)}) == 5
    assert finish(found, qualified=61.5, enterprise=88.0, learned_until=day) == one
    same = {name: getattr(found, name) for name in ("qualified", "enterprise", "version")}
    assert dataclasses.replace(one, learned_until=None, **same) == found
    assert finish(others[1], qualified=61.5, enterprise=88.0, learned_until=day) == one


# --- the same in a frame and for one account ------------------------------------------------

DTYPES = {
    ValueType.NUMBER: pl.Float64,
    ValueType.TEXT: pl.String,
    ValueType.BOOLEAN: pl.Boolean,
}
VALUES = {
    ValueType.NUMBER: st.none() | st.integers(0, 30).map(float) | st.floats(-10, 6_000),
    ValueType.TEXT: st.none() | st.sampled_from(["us", " DE ", "Media", "Mars", "other", ""]),
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
            [{"account_id": f"a{n}", "as_of": FIRST, **row} for n, row in enumerate(rows)],
            schema=schema,
        )
    )


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=15)
@given(data=st.data())
def test_frame_and_explanation_agree_to_the_last_bit_and_points_add_up(name, fitted, data):
    fit = fitted(name)
    definition = fit.definition
    features = data.draw(frames(definition, fit.types))
    scored = score_frame(definition, features)
    for values, row in zip(
        features.iter_rows(named=True), scored.iter_rows(named=True), strict=True
    ):
        score = explain_score(definition, values)
        assert score.value == row["score"]
        assert score.parts == {part: row[f"{part}_score"] for part in Part}
        assert score.bands == {part: row[f"{part}_band"] for part in Part}
        assert (score.above_threshold, score.tier) == (row["above_threshold"], row["tier"])
        for item in score.components:
            assert item.points == row[f"{item.part}.{item.name}"]
        assert score.base == definition.base
        uncut = score.base + sum(item.points for item in score.components)
        assert score.value == pytest.approx(min(max(uncut, 0.0), 100.0), abs=1e-6)
        curve = definition.chance
        assert score.chance == np.interp(score.value, curve.at, curve.give)


@pytest.mark.parametrize("name", PRESETS)
def test_of_rows_learned_from_points_add_up_to_the_uncut_score(name, fitted):
    fit = fitted(name)
    rows = fit.rows.head(300)
    scored = score_frame(fit.definition, rows)
    columns = [f"{spec.part}.{spec.name}" for spec in fit.components.values()]
    total = fit.definition.base + scored.select(pl.sum_horizontal(columns)).to_series().to_numpy()
    inside = (total > 0) & (total < 100)
    assert inside.sum() > 200
    assert scored["score"].to_numpy()[inside] == pytest.approx(total[inside], abs=1e-6)
    for row, values in zip(
        scored.head(40).iter_rows(named=True), rows.head(40).iter_rows(named=True), strict=True
    ):
        assert explain_score(fit.definition, values).value == row["score"]


# --- features of every kind -----------------------------------------------------------------


def rank(fit):
    """Return the AUC of the definition, and of its model."""
    even = np.ones(len(fit.rows))
    return tuple(rank_auc(scores, fit.label, even) for scores in (fit.scores(), fit.said()))


def test_what_was_learned_of_a_feature_is_added_to_its_hand_made_component(loaded):
    """Lookups and curves, their levels, what is unknown, and what no level is."""
    by_hand = {"country": {"from": "country", "give": {"us": 60, "gb": 30}}}
    rare = [f"c{k}" for k in range(100)]

    def truth(rows, score):
        where = rows["country"].fill_null("none")
        levels = {"us": 2.0, "gb": 1.0, "de": -2.0}
        there = where.replace_strict(levels, default=0.0, return_dtype=pl.Float64).to_numpy()
        return -2.0 + 0.7 * score + 2.5 * rows["employees"].is_null().to_numpy() + there

    def country(rng, size):
        return rng.choice(["us", "de", "gb", *rare], size, p=[0.3, 0.3, 0.2, *[0.002] * 100])

    fit = learn_near(
        loaded("hybrid", fit=by_hand), truth, ("employees", *NOISE), size=1_500, country=country
    )
    size, where = fit.components["company_size"], fit.components["country"]
    assert "employees" not in fit.components
    assert size.unknown > max(size.give) + 10
    assert size.say == "{employees} employees"
    assert where.lookup["us"] > where.lookup["other"] + 20 > where.lookup["de"] + 40
    assert {"us", "gb", "de", "other"} <= set(where.lookup)
    assert len(where.lookup) < 10  # of a hundred that few bear
    assert np.abs(fit.scores() - fit.said()).max() < 3.0


def test_what_is_left_out_is_in_the_base(loaded):
    """Nearly all accounts have this point, so it tells nothing; and yet it is a point."""
    fit = learn_near(
        loaded("points", fit={"present": {"when": "account_age_days >= 4", "give": 1}}),
        lambda rows, score: 2 * score - 1,
        size=1_000,
        account_age_days=lambda rng, size: rng.integers(0, 400, size),
    )
    assert "present" in {spec.name for spec in fit.prior.specs.values()}
    assert "present" not in fit.components
    inside = (fit.said() > 0) & (fit.said() < 100)
    assert (fit.scores() - fit.said())[inside].mean() == pytest.approx(0.0, abs=0.15)


def test_a_number_that_differs_by_little_beside_its_size_keeps_its_curve(loaded):
    fit = learn_near(
        loaded("points"),
        lambda rows, score: 8 * (rows["health"].to_numpy() - 1000.5) - 1,
        size=1_000,
        health=lambda rng, size: 1_000 + rng.random(size),
    )
    ours, model = rank(fit)
    assert model > 0.85
    assert ours == pytest.approx(model, abs=0.01)


def test_a_level_that_is_called_other_keeps_its_points(loaded):
    fit = learn_near(
        loaded("points"),
        lambda rows, score: 3.0 * (rows["plan"] == "Other").to_numpy() - 2,
        size=1_000,
        plan=lambda rng, size: rng.choice(["Free", "Other", "Team"], size),
    )
    assert np.abs(fit.scores() - fit.said()).max() < 3.0


def test_a_text_that_says_true_or_false_is_a_text(loaded):
    fit = learn_near(
        loaded("points"),
        lambda rows, score: 3.0 * (rows["plan"] == "True").to_numpy() - 2,
        size=1_000,
        plan=lambda rng, size: rng.choice(["True", "False"], size),
    )
    ours, model = rank(fit)
    assert ours == pytest.approx(model, abs=0.01)


def test_a_hand_made_condition_that_has_the_name_of_a_feature_stays_beside_it(loaded):
    named = {"country": {"when": "users_total >= 20", "give": 10}}
    fit = learn_near(
        loaded("points", fit=named),
        lambda rows, score: (
            score + 2.0 * (rows["country"] == "us").fill_null(value=False).to_numpy() - 2
        ),
        ("country",),
        size=1_000,
    )
    assert fit.components["country"].when is not None
    assert {spec.feature for spec in fit.components.values()} >= {"country"}
    assert np.abs(fit.scores() - fit.said()).max() < 3.0
    again = parse_definition(write_definition(fit.definition), "fitted.yaml", fit.loaded)
    assert again.version == fit.definition.version
