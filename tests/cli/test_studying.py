"""`groundswell lab`: figures, alarms and verdicts from a plain table."""

from __future__ import annotations

import numpy as np
import pytest

from groundswell.engine.lab import Behaviour, Behaviours, Figure, Lab


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["account,seats,plan,seen,won"]
    for k in range(600):
        seats = rng.poisson(4)
        won = rng.random() < 1 / (1 + np.exp(3 - 0.6 * seats))
        day = f"2026-{1 + k // 60:02}-{1 + k % 28:02}"
        rows.append(f"a{k},{seats},{rng.choice(['free', 'team'])},{day},{'yes' if won else 'no'}")
    rows.append("a600,3,free,2026-11-01,")
    path = tmp_path / "table.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_it_says_how_good_it_is_and_what_gives_points(table, groundswell):
    done = groundswell("lab", table, "--label", "won", "--drop", "seen")
    assert done.code == 0
    assert done.out.startswith("ok The score tells the outcome: AUC 0.")
    for words in ("average precision", "Brier score", "lift of the top tenth", "20 more double"):
        assert words in done.out
    assert "seats" in done.out
    assert "`account` was left out. It is a text of 419 different values." in done.err
    assert "1 row without a known outcome left out." in done.err
    assert "Learned from 419 rows (138 positive), judged by 181 (60)" in done.err


def test_json_holds_every_figure_with_its_interval(table, groundswell):
    found = groundswell("lab", table, "--label", "won", "--drop", "seen,account", "--json").json()
    assert found["verdict"] == "ok"
    for name in ("roc_auc", "average_precision", "brier", "ece", "top_decile_lift"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"], name
    assert [alarm["code"] for alarm in found["alarms"]] == ["removal"]  # there is nothing else
    assert found["rows"] == 600
    assert len(found["tenths"]) == 10
    assert found["scorecard"]["lines"][0]["feature"] == "seats"


def test_time_orders_the_rows_and_is_not_learned_from(table, groundswell):
    found = groundswell("lab", table, "--label", "won", "--time", "seen", "--json").json()
    assert found["learned"]["judged_rows"] == 180
    assert {line["feature"] for line in found["scorecard"]["lines"]} == {"seats", "plan"}


def test_a_hand_made_score_is_a_prior(table, tmp_path, groundswell):
    prior = tmp_path / "weights.yaml"
    prior.write_text("seats: 2\nplan = team: 0.1\n", encoding="utf-8")
    call = ("lab", table, "--label", "won", "--drop", "seen", "--prior", prior)
    assert groundswell(*call, "--json").json()["learned"]["prior_scale"] > 0
    prior.write_text("seets: 2\nplan = team: much\nplan = free: .inf\n", encoding="utf-8")
    done = groundswell(*call)
    assert done.code == 2
    for words in (
        "weights.yaml:1:1  seets  [prior-unknown]",
        "Did you mean `seats`? There are: seats, plan = free, plan = team.",
        "weights.yaml:2:14  plan = team  [prior-weight]",
        "weights.yaml:3:14  plan = free  [prior-weight]",
    ):
        assert words in done.err


def test_a_label_that_is_not_there_is_told_with_the_columns(table, groundswell):
    done = groundswell("lab", table, "--label", "wonn")
    assert done.code == 2
    assert "`--label wonn`: the table has no such column." in done.err
    assert "Did you mean `won`?" in done.err


def test_no_signal_is_said_and_is_no_failure(tmp_path, groundswell):
    rng = np.random.default_rng(0)
    path = tmp_path / "noise.csv"
    rows = [f"{rng.normal():.3f},{rng.integers(2)}" for _ in range(400)]
    path.write_text("\n".join(["x,y", *rows]), encoding="utf-8")
    done = groundswell("lab", path, "--label", "y")
    assert done.code == 0
    assert done.out.startswith("no_signal No signal found")
    assert "An average row" not in done.out


def test_rounds_and_time_contradict_each_other(table, groundswell):
    done = groundswell("lab", table, "--label", "won", "--time", "seen", "--rounds", "2")
    assert done.code == 2
    assert "[usage-rounds]" in done.err


def test_an_embargo_is_one_of_time(table, groundswell):
    call = ("lab", table, "--label", "won", "--embargo", "30")
    assert "[usage-embargo]" in groundswell(*call).err
    found = groundswell(*call, "--time", "seen", "--json").json()
    assert found["learned"]["rows"] + found["learned"]["judged_rows"] < 600 - 50


def test_gradient_boosting_beside(table, groundswell):
    rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([rows[0], *rows[1:601] * 3]), encoding="utf-8")
    done = groundswell("lab", table, "--label", "won", "--drop", "seen,account", "--challenger")
    assert "With steps by gradient boosting: AUC 0." in done.out
    assert "The lines stay." in done.out


def test_behaviours_of_a_company_too_small_to_say_anything(project, groundswell):
    call = ("behaviours", "--project", project, "--weeks", "4", "--near", "0", "--far", "14")
    done = groundswell(*call)
    assert done.code == 0
    assert "Too few to say anything" in done.out
    found = groundswell(*call, "--json").json()
    assert found["rows"] == []
    assert found["accounts"] >= found["came"]


def test_behaviours_are_shown_with_what_they_were_otherwise(project, groundswell, monkeypatch):
    effect = Figure(0.84, 0.81, 0.87)
    none = Figure(0.5, 0.45, 0.55)
    rows = (
        Behaviour("invites_sent_28d", 4.2512, 1.0, effect, 1.0),
        Behaviour("shares_28d", 0.2, 0.2, none, 1.0),
    )
    made = Behaviours("converted", 1_654, 73, 12_789, rows)
    monkeypatch.setattr(Lab, "behaviours", lambda lab, outcome, **asked: made)
    done = groundswell("behaviours", "--project", project)
    assert "73 of 1,654 accounts converted in time; 12,789 snapshots compared" in done.err
    (line,) = (line for line in done.out.splitlines() if line.startswith("invites_sent_28d"))
    assert line.split() == ["invites_sent_28d", "4.25", "1", "0.84", "0.81", "to", "0.87"]
    assert "shares_28d" not in done.out
    assert "1 of 2 behaviours do not tell" in done.err


def test_what_behaviours_cannot_be_asked(project, groundswell):
    done = groundswell("behaviours", "--outcome", "convertd", "--project", project)
    assert "Did you mean `converted`?" in done.err
    done = groundswell("behaviours", "--near", "90", "--far", "30", "--project", project)
    assert "[usage-horizon]" in done.err
