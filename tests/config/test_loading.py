"""A file without mistakes: what it resolves to, and where each value is said to come from."""

from decimal import Decimal
from pathlib import Path

import pytest

from groundswell.config.loading import load_config, load_sources
from groundswell.config.resolved import Reader
from groundswell.config.vocabulary import ValueType
from groundswell.errors import ConfigError
from groundswell.model import Kind, Motion, Part

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "shared" / "EXAMPLE.yaml"


@pytest.fixture(scope="module")
def company():
    return load_config(HERE / "company.yaml")


def write(folder, text, name="groundswell.yaml"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_example_of_the_house_has_no_mistakes():
    if not EXAMPLE.exists():
        pytest.skip("the shared folder does not stand beside this clone")
    loaded = load_config(EXAMPLE)
    assert loaded.config.company == "Acme Boards"
    assert list(loaded.plans) == ["free", "team", "business", "enterprise"]


def test_an_empty_file_is_a_whole_configuration(tmp_path):
    loaded = load_config(write(tmp_path, "# nothing yet\n"))
    assert loaded.config.warehouse == "duckdb"
    assert loaded.score.preset == "hybrid"
    assert {m.name for m in loaded.meanings} >= {"signed_up", "invited", "user_added"}


def test_blocks_left_empty_are_defaults(tmp_path):
    loaded = load_config(write(tmp_path, "features:\nplans:\nteams:\n"))
    assert loaded.plans == {}


def test_the_folder_stands_for_the_file(tmp_path):
    write(tmp_path, "company: Tidewater\n")
    assert load_config(tmp_path).config.company == "Tidewater"
    assert load_config(tmp_path).root == tmp_path


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    (problem,) = caught.value.problems
    assert problem.code == "config-file-missing"
    assert "groundswell init" in problem.fix


def test_a_file_that_is_not_utf8_is_told(tmp_path):
    (tmp_path / "groundswell.yaml").write_bytes("company: Zürich".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_config(tmp_path)


# --- meanings ---------------------------------------------------------------------------------


def of(loaded, name):
    return [meaning for meaning in loaded.meanings if meaning.name == name]


def test_a_name_and_a_long_form_in_one_list_are_two_matchers(company):
    long, short = of(company, "activated")
    assert short.events == ("Board Published",)
    assert long.events == ("Board Shared",)
    assert long.where == (("audience", ("team", "public")), ("size", ("2",)))


def test_kinds_of_a_meaning_carry_their_name_and_flags(company):
    boards, forecasts, access_log = of(company, "used_feature")
    assert boards.label == "boards"
    assert boards.events == ("Board Published", "Board Opened")
    assert boards.reads == {"name": Reader(literal="boards")}
    assert forecasts.paid
    assert not forecasts.enterprise
    assert access_log.enterprise


def test_readers_are_paths_or_fixed_texts(company):
    (link,) = of(company, "integration_connected")
    assert link.reads == {"name": Reader(path="vendor"), "kind": Reader(literal="connector")}
    (wall,) = of(company, "limit_hit")
    assert wall.reads == {"kind": Reader(path="wall"), "name": Reader(path="name")}


def test_pages_are_globs(company):
    (pricing,) = of(company, "pricing_viewed")
    assert pricing.pages == ("/pricing*", "/plans")
    assert pricing.events == ()


def test_a_mapped_meaning_replaces_the_shipped_one(company):
    (signed_up,) = of(company, "signed_up")
    assert signed_up.events == ("Account Opened",)
    assert of(company, "trial_ended") == []
    assert of(company, "trial_started")[0].events == ("Trial Started",)


# --- features ---------------------------------------------------------------------------------


def test_built_in_features_are_written_out_for_every_window(company):
    names = {f"active_users_{window}" for window in company.config.windows}
    assert names <= company.features.keys()
    assert company.features["active_users_14d"].within == "14d"
    assert not any("<w>" in name for name in company.features)


def test_own_windows_are_written_out_too(tmp_path):
    windows = "[7d, 14d, 28d, 30d, 45d, 60d, 90d, lifetime]"
    loaded = load_config(write(tmp_path, f"windows: {windows}\n"))
    assert loaded.features["active_users_45d"].within == "45d"


def test_types_cover_features_and_the_score(company):
    assert company.types["exports_28d"] is ValueType.NUMBER
    assert company.types["heating_up"] is ValueType.BOOLEAN
    assert company.types["industry"] is ValueType.TEXT
    assert company.types["tier"] is ValueType.TEXT
    assert company.types["qualified"] is ValueType.BOOLEAN


# --- score ------------------------------------------------------------------------------------


def component(loaded, part, name):
    return next(c for c in loaded.score.parts[part].components if c.name == name)


def names(loaded, part):
    return [c.name for c in loaded.score.parts[part].components]


def test_edits_add_replace_and_take_away(company):
    assert "exports" in names(company, Part.USAGE)
    assert "daily_active_users" in names(company, Part.USAGE)
    assert "usage_trend" not in names(company, Part.USAGE)
    industry = component(company, Part.FIT, "industry")
    assert industry.lookup == {"software": 30.0, "other": 1.0}
    assert industry.unknown == 5.0


def test_a_replaced_component_keeps_the_sentences_it_does_not_rewrite(company):
    assert component(company, Part.FIT, "industry").say == "Industry: {industry}"


def test_the_three_forms_of_a_component(company):
    curve = component(company, Part.USAGE, "exports")
    assert (curve.feature, curve.at, curve.give) == ("exports_28d", (0, 5, 50), (0, 5, 10))
    lookup = component(company, Part.FIT, "target")
    assert lookup.lookup == {"true": 20.0, "false": 0.0}
    assert lookup.feature_type is ValueType.BOOLEAN
    condition = component(company, Part.BEHAVIOUR, "hot")
    assert (condition.when.text, condition.points, condition.unknown) == ("heating_up", 15.0, 2.0)


def test_thresholds_weights_and_release(company):
    score = company.score
    assert score.parts[Part.USAGE].weight == 0.5
    assert (score.qualified.at_least, score.qualified.above) == (65, None)
    assert score.enterprise.above == 90
    assert (score.release_below, score.release_days, score.cool_down_days) == (5, 14, 30)


def test_the_version_follows_the_definition(tmp_path):
    plain = load_config(write(tmp_path, "company: A\n")).score.version
    renamed = load_config(write(tmp_path, "company: B\n")).score.version
    edited = load_config(write(tmp_path, "score: {qualified: {above: 71}}\n")).score.version
    assert plain.startswith("hybrid-")
    assert plain == renamed
    assert plain != edited


@pytest.mark.parametrize(
    ("preset", "combine", "limit"),
    [("hybrid", "weighted", 70), ("points", "sum", 50), ("buckets", "multiply", 70)],
)
def test_every_shipped_preset_loads(tmp_path, preset, combine, limit):
    score = load_config(write(tmp_path, f"score: {{preset: {preset}}}\n")).score
    assert (score.preset, score.combine) == (preset, combine)
    assert limit in {score.qualified.above, score.qualified.at_least}


# --- plans, rules, people -----------------------------------------------------------------------


def test_prices_are_monthly_and_plans_keep_their_order(company):
    assert list(company.plans) == ["free", "team", "business", "enterprise"]
    assert company.plans["team"].price_per_seat == 12
    assert company.plans["business"].price_flat == 900
    assert company.plans["business"].price_from
    assert company.plans["enterprise"].price_flat == Decimal(5000)
    assert company.plans["free"].price_flat is None


def test_own_rules_come_before_the_shipped_ones(company):
    first = company.motions[0]
    assert (first.name, first.motion) == ("regulated industries need a human", Motion.ENTERPRISE)
    assert str(first.place).startswith("company.yaml:")
    assert company.motions[1].place.file == "presets/motions.yaml"
    assert company.motions[-1].motion is Motion.SELF_SERVE


def test_triggers_are_added_and_taken_away(company):
    assert company.triggers["exporting"].family == "usage"
    assert "heavy_api_use" not in company.triggers
    assert "limit_hit" in company.triggers


def test_guardrails_mix_what_is_written_with_what_ships(company):
    assert company.guardrails.min_account_age_days == 5
    assert company.guardrails.account_touch_days == 30
    assert company.guardrails.holdout_share == 0.2


def test_teams(company):
    team = company.teams["large"]
    assert (team.first_touch_hours, team.working_hours) == (4, True)
    ada, bo = team.members
    assert ada.email == "ada@tidewater.example"
    assert ada.territory is None
    assert bo.territory.names == {"employees"}


def test_conditions_of_destinations_are_expressions(company):
    assert company.conditions["slack"].names == {"tier", "hand_raises_28d"}
    assert company.config.destinations["slack"]["webhook"] == "${SLACK_WEBHOOK}"


# --- places, origins, fingerprints ----------------------------------------------------------------


def test_where_is_a_place_in_the_file(company):
    place = company.where("motions[0].when")
    line = (HERE / "company.yaml").read_text().splitlines()[place.line - 1]
    assert line[place.column - 1 :].startswith("industry IN")
    assert company.where("motions[0].play") is None


def test_origins(company):
    assert company.origin("company") == "company.yaml:2"
    assert company.origin("score.usage.daily_active_users") == "preset hybrid"
    assert company.origin("score.usage.exports").startswith("company.yaml:")
    assert company.origin("warehouse") == "default (groundswell)"


def test_a_fingerprint_changes_with_its_blocks_only(tmp_path):
    before = load_config(write(tmp_path, "features: {a: {count: events}}\n"))
    after = load_config(write(tmp_path, "features: {a: {count: users}}\n"))
    moved = load_config(write(tmp_path, "\n\ncompany: B\nfeatures: {a: {count: events}}\n"))
    assert before.fingerprint("features") != after.fingerprint("features")
    assert before.fingerprint("events") == after.fingerprint("events")
    assert before.fingerprint("events", "features") == moved.fingerprint("events", "features")
    assert before.fingerprint() != moved.fingerprint()
    with pytest.raises(KeyError):
        before.fingerprint("colours")


def test_included_files_are_merged_and_keep_their_places(tmp_path):
    write(tmp_path, "plans:\n  team: {price: 12 per seat monthly}\n", "plans.yaml")
    text = "include: [plans.yaml]\nplans:\n  free: {seats: 5}\nscore: {preset: points}\n"
    loaded = load_config(write(tmp_path, text))
    assert set(loaded.plans) == {"free", "team"}
    assert loaded.origin("plans.team.price") == "plans.yaml:2"
    assert loaded.origin("plans.free.seats") == "groundswell.yaml:3"
    assert loaded.files == ("groundswell.yaml", "plans.yaml")


# --- sources ------------------------------------------------------------------------------------


def test_a_file_of_sources(tmp_path):
    text = """
sources:
  logins:
    kind: events
    path: logins.csv
    columns: {user_id: uid, timestamp: at}
    constants: {event: Logged In}
    time: {format: "%Y-%m-%d %H:%M:%S", zone: UTC}
"""
    source = load_sources(write(tmp_path, text, "mapping.yaml"))["logins"]
    assert source.kind is Kind.EVENTS
    assert source.columns == {"user_id": "uid", "timestamp": "at"}
    assert source.time.zone == "UTC"


def test_a_file_of_sources_holds_nothing_else(tmp_path):
    text = "company: A\nsources:\n  a: {kind: usrs}\n  b: {kind: users, columns: {mail: m}}\n"
    with pytest.raises(ConfigError) as caught:
        load_sources(write(tmp_path, text, "mapping.yaml"))
    assert [(p.code, p.path, str(p.where)) for p in caught.value.problems] == [
        ("config-unknown-key", "company", "mapping.yaml:1:1"),
        ("config-unknown-value", "sources.a.kind", "mapping.yaml:3:13"),
        ("config-unknown-column", "sources.b.columns.mail", "mapping.yaml:4:30"),
    ]
