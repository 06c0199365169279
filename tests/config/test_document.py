"""Reading YAML into plain data with places."""

import pytest

from groundswell.config.document import parse_document, read_document


def test_keys_and_values_know_where_they_stand():
    document = parse_document("a: 1\nb:\n  - {c: 'x'}\n  - d\n", "f.yaml")
    assert document.data == {"a": 1, "b": [{"c": "x"}, "d"]}
    assert str(document.spots["a",].key) == "f.yaml:1:1"
    assert str(document.spots["a",].value) == "f.yaml:1:4"
    assert str(document.spots["b", 0, "c"].key) == "f.yaml:3:6"
    assert str(document.spots["b", 1].value) == "f.yaml:4:5"


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 2024-01-31", {"a": "2024-01-31"}),
        ("a: no", {"a": "no"}),
        ("a: true\ntrue: b\n7: c", {"a": True, "true": "b", "7": "c"}),
        ("a: 012\nb: 1e3\nc: ~", {"a": 12, "b": 1000.0, "c": None}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("", {}),
        ("# only a comment", {}),
    ],
)
def test_plain_data(text, data):
    document = parse_document(text, "f.yaml")
    assert document.problems == []
    assert document.data == data


def test_a_file_of_one_block():
    document = parse_document("- {a: 1}\n- {a: 2}\n", "f.yaml", block="rules")
    assert document.data == {"rules": [{"a": 1}, {"a": 2}]}
    assert str(document.spots["rules", 1, "a"].value) == "f.yaml:2:7"


def test_included_files_are_named_from_the_root_and_read_from_where_they_are_named(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "main.yaml").write_text("include: parts/a.yaml\ncompany: A\n")
    (tmp_path / "parts" / "a.yaml").write_text("include: [b.yaml]\nplans: {free: {}}\n")
    (tmp_path / "parts" / "b.yaml").write_text("plans: {team: {}}\n")
    document = read_document(tmp_path / "main.yaml", root=tmp_path)
    assert document.problems == []
    assert document.files == ["main.yaml", "parts/a.yaml", "parts/b.yaml"]
    assert document.data["plans"] == {"free": {}, "team": {}}
    assert document.spots["plans", "team"].key.file == "parts/b.yaml"


def test_a_list_in_two_files_is_defined_twice(tmp_path):
    (tmp_path / "main.yaml").write_text("include: a.yaml\nmotions: [{name: x}]\n")
    (tmp_path / "a.yaml").write_text("motions: [{name: y}]\n")
    (problem,) = read_document(tmp_path / "main.yaml", root=tmp_path).problems
    assert problem.what == ("`motions` is defined twice: at main.yaml:2:1 and at a.yaml:1:1.")
