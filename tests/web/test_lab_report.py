"""Reports of the lab say what was found, to the digit, and let nothing in that does harm."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from itertools import accumulate

import numpy as np
import pytest

from groundswell.engine.reports import Explanation
from groundswell.errors import UsageError
from groundswell.model import Component, Part
from groundswell.scoring.drift import Drift
from groundswell.scoring.learning.backtest import Said, Week, Weeks, judge
from groundswell.scoring.learning.challenger import Challenge
from groundswell.scoring.learning.comparison import Mover, compare
from groundswell.scoring.learning.leakage import Alarm
from groundswell.scoring.learning.measures import Figure
from groundswell.scoring.learning.scorecard import Line, Scorecard
from groundswell.scoring.learning.study import Learned, Study, Tenth
from groundswell.web import pictures
from groundswell.web.document import html_text, markdown_text
from groundswell.web.lab_report import check_path, report_of, write_report

FIRST = dt.date(2026, 1, 5)
ACCOUNTS, WEEKS, CAPACITY = 60, 8, 3
EVIL = "<script>alert('a|b')</script>"


@pytest.fixture(scope="module")
def past() -> Weeks:
    """Sixty accounts in eight weeks; the outcome is near for the last twelve of them."""
    account = np.repeat(np.arange(ACCOUNTS), WEEKS)
    week = np.tile(np.arange(WEEKS), ACCOUNTS)
    label = (account >= 48) & (week >= account % 5)
    return Weeks(
        account=account,
        week=week,
        label=label,
        lead=np.where(label, 10 + account % 7, 0),
        acv=np.where(label, 1200.0 + account, 0.0),
        ids=tuple(f"a{k}" for k in range(ACCOUNTS)),
        days=tuple(FIRST + dt.timedelta(weeks=k) for k in range(WEEKS)),
    )


def said_of(weeks: Weeks, *, seed: int, noise: float, chances: bool) -> Said:
    draw = np.random.default_rng(seed)
    raw = 30 + 40 * weeks.label + noise * draw.normal(size=len(weeks.label))
    scores = np.clip(raw, 0, 100)
    qualified = scores > 60
    before = np.roll(qualified, 1)
    return Said(
        scores=scores,
        chances=scores / 120 if chances else np.full(len(scores), np.nan),
        qualified=qualified,
        newly=qualified & ~(before & (weeks.week > 0)),
    )


@pytest.fixture(scope="module")
def comparison(past):
    both = (
        said_of(past, seed=1, noise=30, chances=False),
        said_of(past, seed=2, noise=12, chances=True),
    )
    tests = tuple(
        judge(past, said, version=name, outcome="converted", horizon=60, capacity=CAPACITY)
        for said, name in zip(both, ("hand-1", "fitted-2"), strict=True)
    )
    return replace(
        compare(past, both, tests),
        as_of=dt.date(2026, 6, 30),
        entering=(Mover("a1", EVIL, 41.2, 80.6, 31, 2, ("Seats | used: 1", "206 employees")),),
        leaving=(Mover("a2", None, 90.0, 12.0, 1, 55, ()),),
    )


@pytest.fixture(scope="module")
def backtest(comparison):
    """The second definition, with some figures that are easy to tell."""
    found = comparison.second
    return replace(
        found,
        qualified=replace(found.qualified, accounts=21, conversion=Figure(0.25, 0.2, 0.31)),
        rest=replace(found.rest, conversion=Figure(0.0367, 0.0274, 0.046)),
        conversion_ratio=Figure(6.81, 5.1, 9.0),
    )


@pytest.fixture(scope="module")
def study() -> Study:
    tenths = tuple(
        Tenth(rows, expected, observed, observed / 0.1, gain)
        for rows, expected, observed, gain in (
            (20, 0.42, 0.55, 0.55),
            (21, 0.2, 0.25, 0.8),
            (19, 0.0002, 0.0, 1.0),
        )
    )
    return Study(
        "ok",
        "The score tells the outcome: AUC 0.812 [0.790, 0.830] on rows not learned from.",
        rows=4321,
        positives=432,
        roc_auc=Figure(0.8123, 0.7901, 0.8302),
        average_precision=Figure(0.41, 0.33, 0.52),
        top_decile_lift=Figure(5.5, 4.1, 6.9),
        alarms=(Alarm("missingness", "a|b", f"`a|b` is unknown where {EVIL}."),),
        unlabelled=77,
        left_out={EVIL: "It is the same in every row.", "plan": "It is the same in every row."},
        learned=Learned(
            3000, 300, 1321, 132, "bent", 31.62, 0.0912, "slope", Figure(0.83, 0.81, 0.85)
        ),
        tenths=tenths,
        drift=(Drift("seats", 0.31, 0.1), Drift("score", 0.02, 0.1)),
        challenge=Challenge(Figure(0.82, 0.8, 0.84), Figure(0.008, -0.004, 0.02), promoted=False),
        scorecard=Scorecard(
            -12.4,
            21.0,
            20.0,
            (
                Line("seats", (1.0, 10.0, 5000.0), (-8.0, 2.4, 30.0), -0.01, 9.53),
                Line("country", ("fr", "<jp>"), (-8.4, 39.9), -48.4, 4.0),
            ),
        ),
    )


def story_of(given, *, base=0.0, weights, score, parts=None) -> Explanation:
    components = tuple(
        Component(name, Part(part), None, points, 40.0, f"{name} says so")
        for name, part, points in given
    )
    added = {str(part): 0.0 for part in Part}
    for item in components:
        added[item.part] += item.points
    return Explanation(
        account_id="ac-1",
        name=EVIL,
        as_of=dt.date(2026, 6, 30),
        score=score,
        qualified=False,
        qualified_since=None,
        above_threshold=False,
        threshold=70.0,
        tier="PQL-Convert",
        fit_band="low",
        bands={},
        motion="self_serve",
        parts=parts or added,
        weights=weights,
        reasons=["seats says so"],
        components=components,
        rules=(),
        guardrails=(),
        triggers=(),
        decision=None,  # a report does not read it
        model_version="hand-1",
        features={},
        links=(),
        base=base,
    )


@pytest.fixture
def story() -> Explanation:
    given = [("seats", "usage", 50.0), ("size", "fit", 40.0), ("size", "usage", -10.0)]
    return story_of(given, base=5.0, weights={"usage": 0.5, "fit": 0.5}, score=45.0)


def values_of(chart, *keys: str) -> list[tuple]:
    """Return the rows of a chart's data that have some keys, each once, in order."""

    def tables(part):
        if isinstance(part, dict):
            if isinstance(part.get("values"), list):
                yield part["values"]
            for value in part.values():
                yield from tables(value)
        elif isinstance(part, list):
            for value in part:
                yield from tables(value)

    found = [
        tuple(row[key] for key in keys)
        for table in tables(chart.to_dict())
        for row in table
        if isinstance(row, dict) and set(keys) <= set(row)
    ]
    return list(dict.fromkeys(found))


def words_of(html: str) -> str:
    """Return the text of a page without its pictures."""
    without = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", without)).split())


def test_page_of_a_backtest_is_one_file_that_asks_for_nothing(backtest, tmp_path):
    path = tmp_path / "backtest.html"
    assert write_report(backtest, path, title="Backtest & more") == [path]
    assert list(tmp_path.iterdir()) == [path]
    html = path.read_text(encoding="utf-8")
    assert html.count("<svg") == html.count("</svg>") == 5
    assert not re.search(r"https?:|//\w|url\(|@import|<script|<link|<img|src=|href=", html)
    assert "<h1>Backtest &amp; more</h1>" in html
    words = words_of(html)
    auc, queue = backtest.roc_auc, backtest.at_capacity
    assert f"AUC {auc.value:.3f} [{auc.low:.3f}, {auc.high:.3f}]" in words
    assert f"{queue.reached:.0%} of the {backtest.came} accounts" in words
    assert (
        "in 25% [20%, 31%] of cases, against 3.7% [2.7%, 4.6%] among the rest, 6.8 [5.1, 9.0] "
        "times as often."
    ) in words
    assert "came to the rest 3.7% 2.7% to 4.6%" in words
    assert f"accounts that qualified {backtest.qualified.accounts}" in words
    for at in backtest.by_capacity:
        assert f"{at.capacity} {at.taken}" in words or at.capacity == CAPACITY
    assert f"{CAPACITY} (yours) {queue.taken}" in words


def test_verdict_says_when_scores_tell_nothing_and_when_few_qualified(backtest):
    def verdict(**changed):
        return " ".join(report_of(replace(backtest, **changed), title="t").verdict)

    assert "Scores tell the outcome: AUC" in verdict()
    assert "cannot be told from chance" in verdict(roc_auc=Figure(0.55, 0.49, 0.61))
    assert "the wrong way around" in verdict(roc_auc=Figure(0.4, 0.35, 0.45))
    assert "How well scores rank accounts is not known" in verdict(roc_auc=None)
    few = replace(backtest.qualified, accounts=4)
    assert "Mind how few they are: 4 accounts qualified" in verdict(qualified=few)
    none = replace(backtest.qualified, accounts=0, conversion=None)
    assert "no account qualified, so the threshold cannot be judged" in verdict(qualified=none)


def test_figures_that_are_not_there_are_not_known(backtest):
    report = report_of(
        replace(backtest, roc_auc=None, acv_ratio=None, lead=None, conversion_ratio=None), title="t"
    )
    cells = {row[0]: row[1:] for row in report.sections[0].table.rows}
    unknown = ("AUC", "times as much", "times as often", "days from qualifying to it, median")
    assert {cells[name] for name in unknown} == {("not known", "")}


def test_comparison_says_who_is_won_and_lost_and_whether_it_is_chance(comparison):
    def verdict(**changed):
        return report_of(replace(comparison, **changed), title="t").verdict

    first, second = verdict(
        won=replace(comparison.won, accounts=10, acv=42480.0),
        lost=replace(comparison.lost, accounts=1, acv=900.0),
        both=replace(comparison.both, accounts=44),
        auc_gain=Figure(0.026, 0.010, 0.045),
        precision_gain=Figure(0.018, -0.040, 0.072),
    )[:2]
    assert "reached 10 accounts (42,480 a year) that the first misses" in first
    assert "missed 1 account (900 a year) that the first reaches; both reach 44." in first
    assert "AUC: +0.026 [+0.010, +0.045], better, as the whole interval is above 0" in second
    assert "precision: +1.8 points [-4.0, +7.2], no difference shown" in second
    (_, worse, *_) = verdict(auc_gain=Figure(-0.02, -0.03, -0.01), precision_gain=None)
    assert "-0.020 [-0.030, -0.010], worse" in worse
    assert "precision: not known." in worse


def test_comparison_in_markdown_lies_beside_its_pictures(comparison, tmp_path):
    path = tmp_path / "two of them.md"
    written = write_report(comparison, path, title="Two")
    assert [file.name for file in written] == [
        "two of them.md",
        "two of them-gains.svg",
        "two of them-precision.svg",
    ]
    text = path.read_text(encoding="utf-8")
    assert "](two%20of%20them-gains.svg)" in text
    svg = written[1].read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    assert "hand-1" in svg
    assert "fitted-2" in svg
    assert "| both definitions reach | " in text
    assert "<script" not in text
    assert r"| &lt;script&gt;alert('a\|b')&lt;/script&gt; | 31 to 2 | 41 to 81 |" in text
    assert r"| Seats \| used: 1; 206 employees |" in text
    assert "| a2 | 1 to 55 | 90 to 12 | not known |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    bars = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert set(bars) == {4, 5, 8}
    assert "`hand-1` says no chance" in text


def test_page_of_a_study_tells_everything_of_it(study, tmp_path):
    path = tmp_path / "study.HTML"
    write_report(study, path, title=EVIL)
    html = path.read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    words = words_of(html)
    for said in (
        "4,321 rows with a known outcome, 432 of them positive; 77 without one left out.",
        study.message,
        "holds 55% of the outcomes",
        "1 alarm says below",
        "AUC 0.812 0.790 to 0.830",
        "Brier score not known",
        "AUC among the rows learned from 0.830 0.810 to 0.850",
        "beside lines alone +0.008 -0.004 to +0.020",
        "Steps by gradient boosting are not on the card.",
        "1 20 42% 55% 5.5 55%",
        "3 19 under 0.1% 0% 0.0 100%",
        f"missingness: a|b is unknown where {EVIL}.",
        "An average row has -12 points. 20 more double the odds, and 100 are odds of 21 to 1.",
        "seats 1: -8, 10: +2, 5,000: +30 0.0 9.5",
        "country <jp>: +40, fr: -8 -48.4 4.0",
        "seats 0.310 0.100 yes",
        f"It is the same in every row. {EVIL}, plan",
    ):
        assert said in words, said


def test_study_without_a_model_says_why_and_draws_nothing(tmp_path):
    too_few = Study("too_few", "Too few outcomes: 3. Keep the hand-made score.", 40, 3)
    report = report_of(too_few, title="t")
    assert report.verdict == (too_few.message,)
    assert report.render_pictures() == {}
    (figures,) = report.sections
    assert {row[1:] for row in figures.table.rows} == {("not known", "")}


def test_page_of_an_account_says_what_its_score_is_made_of(story, tmp_path):
    path = tmp_path / "account.html"
    write_report(story, path, title="One")
    html = path.read_text(encoding="utf-8")
    assert html.count("<svg") == 1
    assert "<script" not in html
    words = words_of(html)
    assert f"{EVIL} has 45.0 points, not above the threshold of 70; it is not qualified." in words
    assert "Every account has 5.0 points to begin with." in words
    assert "seats usage 50.0 of 40.0 +25.0 seats says so" in words


def test_steps_lead_from_nothing_to_the_score(story):
    steps = pictures.waterfall_steps(story)
    assert [(step.name, step.points) for step in steps] == [
        ("every account", 5.0),
        ("seats", 25.0),
        ("size (fit)", 20.0),
        ("size (usage)", -5.0),
        ("score", 45.0),
    ]
    drawn = values_of(pictures.draw_waterfall(story), "name", "start", "end", "points")
    assert drawn == [(step.name, step.start, step.end, step.points) for step in steps]


def test_steps_tell_what_is_cut_off_and_what_multiplies():
    given = [("seats", "usage", 90.0), ("size", "fit", 40.0)]
    full = story_of(given, weights={"usage": 1.0, "fit": 1.0}, score=100.0)
    *_, cut, score = pictures.waterfall_steps(full)
    assert (cut.name, cut.start, cut.end, cut.kind) == ("cut to 100", 130.0, 100.0, "takes")
    assert score.end == 100.0

    given = [("seats", "usage", 60.0), ("size", "fit", 1.2)]
    times = story_of(given, weights={"usage": 1.0, "fit": 1.0}, score=72.0)
    seats, factor, score = pictures.waterfall_steps(times)
    assert (factor.name, factor.start, factor.end) == ("times 1.20 for fit", 60.0, 72.0)
    assert (seats.end, score.end) == (60.0, 72.0)

    bent = story_of(given, weights={"usage": 1.0, "fit": 1.0}, score=50.0)
    assert pictures.waterfall_steps(bent)[-2].name == "not told by components"


def test_calibration_draws_each_tenth_and_says_what_is_borrowed(comparison, study):
    def drawn(found):
        return values_of(pictures.draw_calibration(found), "tenth", "expected", "observed")

    for found in (comparison.first, comparison.second, study):
        assert drawn(found) == [
            (place, band.expected, band.observed) for place, band in enumerate(found.tenths, 1)
        ]
    assert "borrowed" in pictures.draw_calibration(comparison.first).to_json()
    assert "borrowed" not in pictures.draw_calibration(comparison.second).to_json()


def test_gains_begin_at_nothing_and_end_at_everything(study, comparison):
    drawn = values_of(pictures.draw_gains(study), "looked_at", "reached", "definition")
    assert drawn == [(0.0, 0.0, ""), (20 / 60, 0.55, ""), (41 / 60, 0.8, ""), (1.0, 1.0, "")]
    two = values_of(pictures.draw_gains(comparison), "looked_at", "reached", "definition")
    for name, test in (("hand-1", comparison.first), ("fitted-2", comparison.second)):
        gains = [reached for _, reached, definition in two if definition == name]
        assert gains == [0.0, *(band.gain for band in test.tenths)]
        rows = list(accumulate(band.rows for band in test.tenths))
        looked_at = [share for share, _, definition in two if definition == name]
        assert looked_at == pytest.approx([0.0, *(row / rows[-1] for row in rows)])


def test_precision_is_drawn_with_its_interval_and_the_own_capacity(comparison):
    names = ("definition", "capacity", "precision", "low", "high", "own")
    drawn = values_of(pictures.draw_precision(comparison), *names)
    expected = []
    for test in (comparison.first, comparison.second):
        by_capacity = {at.capacity: at for at in (*test.by_capacity, test.at_capacity)}
        assert CAPACITY in by_capacity
        expected += [
            (test.version, k, at.precision.value, at.precision.low, at.precision.high, k == 3)
            for k, at in sorted(by_capacity.items())
        ]
    assert drawn == expected
    assert '"your capacity: 3"' in pictures.draw_precision(comparison.first).to_json()
    assert values_of(pictures.draw_precision(comparison.first), "at", "capacity") == [
        (k, k) for k in sorted({1, 2, CAPACITY, 5, 10, 20, 50, 100, 200})
    ]


def test_precision_leaves_out_what_is_not_known(backtest):
    unknown = tuple(replace(at, precision=None) for at in backtest.by_capacity)
    chart = pictures.draw_precision(replace(backtest, by_capacity=unknown))
    assert values_of(chart, "capacity", "precision") == [
        (CAPACITY, backtest.at_capacity.precision.value)
    ]


def test_two_definitions_of_one_name_are_told_apart(comparison):
    same = replace(comparison, second=replace(comparison.second, version="hand-1"))
    assert {name for (name,) in values_of(pictures.draw_gains(same), "definition")} == {
        "hand-1 (first)",
        "hand-1 (second)",
    }


def test_distribution_draws_all_rows_and_those_with_the_outcome(backtest):
    drawn = values_of(pictures.draw_distribution(backtest), "low", "high", "rows", "came")
    assert drawn == [(bar.low, bar.low + 5, bar.rows, bar.came) for bar in backtest.distribution]
    assert sum(row[2] for row in drawn) == backtest.rows


def test_weeks_are_drawn_with_a_capacity_that_is_near(backtest):
    drawn = values_of(pictures.draw_weeks(backtest), "week", "what", "accounts")
    assert drawn == [
        row
        for week in backtest.by_week
        for row in (
            (week.day.isoformat(), "the outcome came", week.came),
            (week.day.isoformat(), "it did not", week.newly - week.came),
        )
    ]
    assert "your capacity" in pictures.draw_weeks(backtest).to_json()
    assert "your capacity" not in pictures.draw_weeks(replace(backtest, capacity=500)).to_json()


def test_weeks_in_which_none_qualified_are_not_drawn(backtest):
    quiet = replace(backtest, by_week=tuple(Week(week.day, 9, 0, 0) for week in backtest.by_week))
    names = [picture.name for picture in report_of(quiet, title="t").sections[-1].pictures]
    assert names == ["precision", "gains", "calibration", "distribution"]


@pytest.mark.parametrize("name", ["report.docx", "report", "report.html.gz"])
def test_another_form_is_refused_and_nothing_is_written(name, study, tmp_path):
    with pytest.raises(UsageError) as refused:
        write_report(study, tmp_path / name, title="t")
    (problem,) = refused.value.problems
    assert problem.code == "report-form"
    assert name in problem.what
    assert ".html" in problem.fix
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(UsageError) as refused:
        check_path(tmp_path / "nowhere" / "report.md")
    assert refused.value.problems[0].code == "out-file"


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    folder = tmp_path / "report.html"
    folder.mkdir()
    with pytest.raises(UsageError) as refused:
        write_report(Study("too_few", "Too few.", 4, 1), folder, title="t")
    assert refused.value.problems[0].code == "out-file"


@pytest.mark.parametrize(
    ("text", "html", "markdown"),
    [
        ("a < b & c", "a &lt; b &amp; c", "a &lt; b & c"),
        ("&lt; &#60;", "&amp;lt; &amp;#60;", "&amp;lt; &amp;#60;"),
        ("`x` and `y`", "<code>x</code> and <code>y</code>", "`x` and `y`"),
        ("`<b>`", "<code>&lt;b&gt;</code>", "<code>&#60;b&#62;</code>"),
        ("one ` only", "one ` only", "one \\` only"),
        ("``<b>``", "``&lt;b&gt;``", "\\`\\`&lt;b&gt;\\`\\`"),
        ("a\n\n# b", "a\n\n# b", "a # b"),
        ("- a", "- a", "\\- a"),
        ("-4.2", "-4.2", "-4.2"),
        ("![x](http://y)", "![x](http://y)", "![x\\](http://y)"),
        ("_a_ b_c", "_a_ b_c", "\\_a\\_ b_c"),
        ("\\|", "\\|", "\\\\\\|"),
    ],
)
def test_text_from_anywhere_stays_text(text, html, markdown):
    assert html_text(text) == html
    assert markdown_text(text) == markdown


def test_nothing_draws_unless_a_report_is_asked_for():
    """Altair takes a second to import: what needs it imports it when it is asked for."""
    code = (
        "import sys, groundswell.server; from groundswell.cli.app import import_commands; "
        "import_commands(); print([m for m in ('altair', 'vl_convert') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
