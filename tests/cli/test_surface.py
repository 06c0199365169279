"""The commands on a small company: what they print, and how they end."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tests.cli.conftest import CONFIG, small_history, write_events


def test_init_writes_a_file_that_check_accepts_and_never_overwrites(tmp_path, groundswell):
    folder = tmp_path / "new"
    assert groundswell("init", folder, "--company", "Small Co").code == 0
    assert "company: Small Co" in (folder / "groundswell.yaml").read_text()
    checked = groundswell("check", "--project", folder)
    assert checked.code == 0
    again = groundswell("init", folder)
    assert again.code == 2
    assert "[project-exists]" in again.err


def test_check_tells_every_mistake_and_exits_2(tmp_path, groundswell):
    text = CONFIG.replace("pricing_viewed", "pricing_veiwed") + "guardrials: {}\n"
    (tmp_path / "groundswell.yaml").write_text(text, encoding="utf-8")
    checked = groundswell("check", "--project", tmp_path)
    assert checked.code == 2
    assert "Did you mean `pricing_viewed`?" in checked.err
    assert "Did you mean `guardrails`?" in checked.err
    assert "groundswell.yaml:10:3" in checked.err
    problems = groundswell("check", "--project", tmp_path, "--json").json()["problems"]
    assert len(problems) == 2
    assert {"code", "what", "where", "path", "fix"} == set(problems[0])


def test_a_missing_project_says_how_to_make_one(tmp_path, groundswell):
    outcome = groundswell("run", "--project", tmp_path / "nowhere")
    assert outcome.code == 2
    assert "groundswell init" in outcome.err


def test_loading_twice_in_pieces_and_in_any_order_changes_nothing(tmp_path, groundswell):
    rows = small_history()
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    where = ("--project", tmp_path)
    late = write_events(tmp_path / "late.csv", rows[150:])
    early = write_events(tmp_path / "early.csv", rows[:180][::-1])
    first = groundswell("load", "events", late, early, "--json", *where).json()
    assert sum(report["added"] for report in first) == len(rows)
    second = groundswell("load", "events", early, late, "--json", *where).json()
    assert sum(report["added"] for report in second) == 0
    assert sum(report["duplicates"] for report in second) == len(rows) + 30


def test_bad_rows_are_quarantined_with_their_line_and_replayed_after_mending(tmp_path, groundswell):
    (tmp_path / "groundswell.yaml").write_text(CONFIG, encoding="utf-8")
    where = ("--project", tmp_path)
    rows = small_history()[:5]
    rows[3]["timestamp"] = "30/06/2026 10:00"
    path = write_events(tmp_path / "events.csv", rows)
    loaded = groundswell("load", "events", path, "--json", *where)
    assert loaded.code == 3
    assert [(r["added"], r["rejected"]) for r in loaded.json()] == [(4, 1)]
    kept = groundswell("quarantine", "list", "--json", *where).json()
    assert [(item["reject"]["line"], item["reject"]["kind"]) for item in kept] == [(5, "events")]
    shown = groundswell("quarantine", "show", kept[0]["id"][:10], *where)
    assert "30/06/2026 10:00" in shown.out

    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "sources:\n"
        "  files:\n"
        "    kind: events\n"
        "    time: {format: '%d/%m/%Y %H:%M', zone: Europe/Berlin}\n",
        encoding="utf-8",
    )
    replayed = groundswell("quarantine", "replay", "--mapping", mapping, "--json", *where)
    assert [(r["added"], r["rejected"]) for r in replayed.json()] == [(1, 0)]
    assert groundswell("quarantine", "list", "--json", *where).json() == []


def test_accounts_lists_the_documented_fields_best_first(project, groundswell):
    assert groundswell("run", "--as-of", "2026-06-30", "--project", project).code == 0
    rows = groundswell("accounts", "--json", "--project", project).json()
    assert [row["account_id"] for row in rows] == ["acme", "idle"]
    documented = {
        *("account_id", "name", "score", "qualified", "tier", "fit_band", "motion"),
        *("parts", "reasons"),
    }
    assert documented <= set(rows[0])
    assert set(rows[0]["parts"]) == {"usage", "fit", "behaviour"}
    assert rows[0]["motion"] == "sales_assist"
    assert rows[0]["hand_over"] is True
    assert rows[1]["motion"] == "self_serve"
    table = groundswell("accounts", "--project", project)
    assert "acme" in table.out
    assert "hand over now" in table.out


def test_explain_accounts_for_every_point(project, groundswell):
    groundswell("run", "--as-of", "2026-06-30", "--project", project)
    story = groundswell("explain", "acme", "--json", "--project", project).json()
    for part, total in story["parts"].items():
        points = [item["points"] for item in story["components"] if item["part"] == part]
        assert sum(points) == pytest.approx(total)
    weighted = sum(story["weights"][part] * total for part, total in story["parts"].items())
    assert story["score"] == pytest.approx(weighted, abs=1e-6)
    assert {"components", "rules", "guardrails", "as_of", "model_version"} <= set(story)
    assert {"name", "part", "value", "points", "max", "sentence"} <= set(story["components"][0])
    assert [rule["name"] for rule in story["rules"] if rule["matched"]] == ["hand-raise"]
    assert {guard["name"] for guard in story["guardrails"]} >= {"account_age", "do_not_contact"}
    text = groundswell("explain", "acme", "--project", project).out
    assert "Asked for a person" in text


def test_explain_as_of_an_earlier_day_knows_nothing_of_later_events(project, groundswell):
    before = ("explain", "acme", "--as-of", "2026-06-28", "--json", "--project", project)
    story = groundswell(*before).json()
    assert story["features"]["hand_raises_28d"] == 0
    more = [
        {
            "message_id": f"later{index}",
            "user_id": f"new{index}",
            "account_id": "acme",
            "event": "Board Viewed",
            "timestamp": f"2026-06-29T0{index}:00:00Z",
        }
        for index in range(5)
    ]
    later = write_events(project / "later.csv", more)
    groundswell("load", "events", later, "--project", project)
    again = groundswell(*before).json()
    again["decision"]["decided_at"] = story["decision"]["decided_at"]
    assert again == story


def test_explain_suggests_a_near_account(project, groundswell):
    outcome = groundswell("explain", "acne", "--project", project)
    assert outcome.code == 2
    assert "Did you mean `acme`?" in outcome.err


def test_running_again_records_nothing_new(project, groundswell):
    where = ("--as-of", "2026-06-30", "--json", "--project", project)
    first = groundswell("run", *where).json()
    assert first["journal_entries"] > 0
    second = groundswell("run", *where).json()
    assert second["journal_entries"] == 0
    assert second["hand_overs"] == first["hand_overs"] == 1


def test_an_account_is_not_handed_over_twice(project, groundswell):
    for day in ("2026-06-29", "2026-06-30"):
        groundswell("run", "--as-of", day, "--project", project)
    entries = groundswell("journal", "--account", "acme", "--json", "--project", project).json()
    handed = [entry["as_of"] for entry in entries if entry["body"].get("hand_over")]
    assert handed == ["2026-06-29"]
    last = groundswell("explain", "acme", "--json", "--project", project).json()
    assert last["decision"]["hand_over"] is False


def test_features_out_has_one_row_per_account_and_day(project, groundswell):
    path = project / "features.parquet"
    where = ("--as-of", "2026-06-30", "--weeks", "3", "--out", path, "--project", project)
    assert groundswell("features", *where).code == 0
    frame = pl.read_parquet(path)
    assert frame.columns[:2] == ["account_id", "as_of"]
    assert {"active_users_28d", "seat_ratio", "is_free_mail"} <= set(frame.columns)
    assert frame.height == 6
    acme = frame.filter(pl.col("account_id") == "acme")
    assert acme.get_column("active_users_28d").to_list() == [8.0, 8.0, 8.0]
    one = groundswell("features", "--account", "acme", "--as-of", "2026-06-30", "--json")
    assert one.code == 2, "no project here"


def test_merging_accounts_and_taking_it_back(project, groundswell):
    where = ("--project", project)
    merged = groundswell(
        "identity", "merge", "idle", "--into", "acme", "--since", "2026-06-10", *where
    )
    assert merged.code == 0
    at = ("--json", "--as-of", "2026-06-30", *where)
    assert groundswell("explain", "acme", *at).json()["features"]["users_total"] == 9
    assert groundswell("explain", "idle", *at).code == 2
    groundswell("identity", "unmerge", "idle", "--into", "acme", "--until", "2026-06-20", *where)
    assert groundswell("explain", "acme", *at).json()["features"]["users_total"] == 8
    between = ("--json", "--as-of", "2026-06-15", *where)
    assert groundswell("explain", "acme", *between).json()["features"]["users_total"] == 9
    links = groundswell("identity", "links", "idler", "--json", "--as-of", "2026-06-15", *where)
    assert {link["account_id"] for link in links.json()} == {"acme"}


def test_a_day_that_is_none_and_a_pair_that_is_none(project, groundswell):
    assert "[usage-day]" in groundswell("run", "--as-of", "June", "--project", project).err
    outcome = groundswell("load", "events", "x.csv", "--map", "user_id", "--project", project)
    assert outcome.code == 2
    assert "[usage-map]" in outcome.err


def test_schema_and_explain_config(project, groundswell):
    schema = groundswell("schema").json()
    assert "properties" in schema
    rows = groundswell("explain-config", "plans", "--json", "--project", project).json()
    assert any("groundswell.yaml" in row["origin"] for row in rows)
    assert json.dumps(rows).count("plans.team") >= 1


def test_a_qualified_account_below_the_threshold_says_so(project, groundswell):
    where = ("--project", project)
    config = project / "groundswell.yaml"
    groundswell("run", "--as-of", "2026-06-30", *where)
    high = groundswell("accounts", "--json", *where).json()[0]["score"]
    edited = f"score: {{preset: hybrid, qualified: {{above: {high - 1:.1f}}}}}\n"
    config.write_text(config.read_text(encoding="utf-8") + edited, encoding="utf-8")
    groundswell("run", "--as-of", "2026-07-03", *where)
    acme = groundswell("accounts", "--json", *where).json()[0]
    assert acme["qualified"]
    assert not acme["above_threshold"]
    said = f"now below {acme['threshold']:g}, not released yet"
    assert said in groundswell("accounts", *where).out
    assert said in groundswell("explain", "acme", *where).out


def test_offer_says_what_is_shown_and_why(project, groundswell):
    where = ("--project", project)
    assert groundswell("offer", "acme", "--json", *where).json()["offer"] == "none"
    groundswell("run", "--as-of", "2026-06-30", *where)
    shown = groundswell("offer", "acme", "--user", "ann0", "--json", *where).json()
    assert (shown["offer"], shown["account_id"], shown["trigger"]) == (
        *("human", "acme"),
        "hand_raised",
    )
    assert shown["tried"][-1]["why"] == "Shown."
    told = groundswell("offer", "acme", *where)
    assert told.out.startswith("human: You asked to talk to us")
    nothing = groundswell("offer", "idle", *where)
    assert nothing.out.startswith("none: No offer holds")
    assert "not_activated_yet" in nothing.out
