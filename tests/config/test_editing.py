"""A block that is changed where it stands: the rest stays, and nothing wrong is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundswell.config.editing import check_block, find_block, tidy, write_block
from groundswell.config.loading import load_config
from groundswell.config.score_edits import ScoreEdit, edit_score
from groundswell.errors import ConfigError, UsageError
from groundswell.model import Part
from groundswell.scoring.components import most_points

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
# What Ours sells.
company: Ours   # by hand

events:
  signed_up: Signed Up

# Reasons to act.
triggers:
  # ours alone
  busy: {family: usage, when: active_users_28d >= 5, say: '{active_users_28d} people'}

score:
  preset: hybrid       # the shipped one
  qualified: {at_least: 70}   # agreed in May
  fit:
    # who buys
    industry: {software: 30, other: 0, unknown: 5}
# the end
"""
BUSIER = "triggers:\n  busy: {family: usage, when: active_users_28d >= 9, say: 'many people'}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "groundswell.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_a_block_is_found_without_what_stands_before_the_next(root: Path) -> None:
    found = find_block(root, "triggers")
    assert found.text.startswith("triggers:\n  # ours alone\n")
    assert found.text.endswith("people'}\n")
    assert find_block(root, "score").text.endswith("unknown: 5}\n")
    assert find_block(root, "motions").text == ""


def test_only_the_lines_of_the_block_are_changed(root: Path) -> None:
    written = find_block(root, "triggers")
    loaded = check_block(written, BUSIER.replace("\n", "\r\n"))
    assert loaded.triggers["busy"].say == "many people"
    write_block(written, BUSIER)
    text = (root / "groundswell.yaml").read_text(encoding="utf-8")
    assert text == FILE.replace(written.text, BUSIER)
    assert load_config(root).triggers["busy"].when.text == "active_users_28d >= 9"
    assert sorted(path.name for path in root.iterdir()) == ["groundswell.yaml"]


def test_a_change_is_told_as_a_diff(root: Path) -> None:
    told = find_block(root, "triggers").diff(BUSIER).splitlines()
    assert told[:2] == ["--- groundswell.yaml", "+++ groundswell.yaml"]
    assert "+  busy: {family: usage, when: active_users_28d >= 9, say: 'many people'}" in told
    assert "-  # ours alone" in told
    assert not any("score" in line for line in told if line[0] in "+-")
    assert find_block(root, "triggers").diff(find_block(root, "triggers").text) == ""


def test_a_block_that_is_not_written_is_added_and_one_is_taken_out(root: Path) -> None:
    rule = "motions:\n  - {name: all, when: qualified, motion: sales_assist}\n"
    written = find_block(root, "motions")
    assert check_block(written, rule).motions[0].name == "all"
    write_block(written, rule)
    text = (root / "groundswell.yaml").read_text(encoding="utf-8")
    assert text == FILE + "\n" + rule
    write_block(find_block(root, "motions"), "")
    assert load_config(root).config.motions == []


def test_what_check_refuses_is_refused_at_its_place_in_the_file(root: Path) -> None:
    wrong = "triggers:\n  busy: {family: usage, when: active_user_28d >= 9, say: many}\n"
    with pytest.raises(ConfigError) as refused:
        check_block(find_block(root, "triggers"), wrong)
    (problem,) = refused.value.problems
    assert str(problem.where) == "groundswell.yaml:9:31"
    (root / "groundswell.yaml").write_text(
        find_block(root, "triggers").changed(wrong), encoding="utf-8"
    )
    with pytest.raises(ConfigError) as checked:
        load_config(root / "groundswell.yaml")
    assert checked.value.problems == refused.value.problems


@pytest.mark.parametrize(
    "more",
    [
        "destinations:\n  theirs: {type: webhook, url: 'https://elsewhere.example'}\n",
        "include: /etc/passwd\n",
        "company: Theirs\n",
    ],
)
def test_a_text_that_says_more_than_its_block_is_refused(root: Path, more: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_block(find_block(root, "triggers"), BUSIER + more)
    assert refused.value.problems[0].code in {"edit-block", "config-duplicate-key"}
    assert (root / "groundswell.yaml").read_text(encoding="utf-8") == FILE


def test_yaml_that_cannot_be_read_is_refused_where_it_stands(root: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        check_block(find_block(root, "triggers"), "triggers:\n  busy: [\n")
    where = refused.value.problems[0].where
    assert where is not None
    assert where.file == "groundswell.yaml"


def test_a_file_that_was_changed_since_is_left_alone(root: Path) -> None:
    written = find_block(root, "triggers")
    (root / "groundswell.yaml").write_text(FILE + "# more\n", encoding="utf-8")
    with pytest.raises(UsageError, match="changed since"):
        write_block(written, BUSIER)
    assert (root / "groundswell.yaml").read_text(encoding="utf-8") == FILE + "# more\n"


def test_a_block_of_an_included_file_is_changed_there(root: Path) -> None:
    head, triggers = FILE.split("triggers:\n")
    own = find_block(root, "triggers").text
    (root / "ours.yaml").write_text(own, encoding="utf-8")
    rest = triggers.split("\n", 3)[3]
    (root / "groundswell.yaml").write_text("include: ours.yaml\n" + head + rest, encoding="utf-8")
    written = find_block(root, "triggers")
    assert written.name == "ours.yaml"
    assert check_block(written, BUSIER).triggers["busy"].say == "many people"
    write_block(written, BUSIER)
    assert (root / "ours.yaml").read_text(encoding="utf-8") == BUSIER


def test_a_file_of_another_system_keeps_its_ends_of_lines_and_its_mark(root: Path) -> None:
    file = root / "groundswell.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    write_block(find_block(root, "triggers"), BUSIER)
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# What Ours sells.\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert load_config(root).triggers["busy"].say == "many people"


def test_blocks_without_lines_of_their_own_are_left_to_an_editor(root: Path) -> None:
    (root / "groundswell.yaml").write_text('{"company": "Ours", "triggers": {}}', encoding="utf-8")
    with pytest.raises(UsageError, match="do not begin at the beginning of a line"):
        find_block(root, "triggers")


def test_a_score_is_edited_with_its_comments_kept(root: Path) -> None:
    written, score = find_block(root, "score"), load_config(root).score
    edit = ScoreEdit(
        weights={Part.USAGE: 0.5, Part.FIT: 0.3, Part.BEHAVIOUR: 0.2},
        times={(Part.FIT, "industry"): 0.5, (Part.USAGE, "daily_active_users"): 2.0},
        qualified=62,
    )
    text = edit_score(written.text, score, edit)
    for kept in ("# the shipped one", "# agreed in May", "# who buys"):
        assert kept in text
    assert "industry: {software: 15, other: 0, unknown: 2.5}" in text
    edited = check_block(written, text).score
    assert edited.qualified.at_least == 62
    assert {part: one.weight for part, one in edited.parts.items()} == edit.weights
    before = {one.name: one for one in score.parts[Part.USAGE].components}
    after = {one.name: one for one in edited.parts[Part.USAGE].components}
    assert most_points(after["daily_active_users"]) == 2 * most_points(before["daily_active_users"])
    assert after["daily_active_users"].say == before["daily_active_users"].say
    assert {n: one for n, one in after.items() if n != "daily_active_users"} == {
        n: one for n, one in before.items() if n != "daily_active_users"
    }


def test_a_score_that_is_not_written_is_written_and_nothing_changes_nothing(root: Path) -> None:
    score = load_config(root).score
    assert edit_score("", score, ScoreEdit()) == ""
    assert edit_score("", score, ScoreEdit(qualified=40.5)) == (
        "score:\n  qualified: {at_least: 40.5}\n"
    )


def test_every_component_can_give_other_points(root: Path) -> None:
    written, score = find_block(root, "score"), load_config(root).score
    for part, told in score.parts.items():
        for spec in told.components:
            edited = check_block(
                written, edit_score(written.text, score, ScoreEdit(times={(part, spec.name): 3.0}))
            ).score
            again = next(one for one in edited.parts[part].components if one.name == spec.name)
            assert most_points(again) == pytest.approx(3 * most_points(spec))
            assert again.unknown == pytest.approx(3 * spec.unknown)


def test_a_text_is_tidied() -> None:
    assert tidy("\n\na: 1\r\n\n") == "a: 1\n"
    assert tidy(" \n") == ""
