"""The JSON Schema that editors use accepts what loads and refuses what does not."""

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from groundswell.config.schema import Config, config_schema
from groundswell.config.template import starting_config

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "shared" / "EXAMPLE.yaml"


@pytest.fixture(scope="module")
def validator():
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(text):
    return YAML(typ="safe", pure=True).load(text)


def test_it_accepts_a_whole_file(validator):
    validator.validate(read((HERE / "company.yaml").read_text()))


def test_it_accepts_the_file_that_init_writes(validator):
    validator.validate(read(starting_config("Tidewater")))


def test_it_accepts_the_example_of_the_house(validator):
    if not EXAMPLE.exists():
        pytest.skip("the shared folder does not stand beside this clone")
    validator.validate(read(EXAMPLE.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "feature: {}",
        "motions: [{name: a, when: b, motion: enterprise, tem: c}]",
        "motions: [{name: a, motion: enterprise}]",
        "events: {singed_up: Signed Up}",
        "events: {limit_hit: {evnt: Limit Hit}}",
        "score: {preset: hybird}",
        "plans: {free: {seats: many}}",
        "limits: {at: 80}",
    ],
)
def test_it_refuses_mistakes(validator, text):
    assert not validator.is_valid(read(text))


def test_every_key_is_described():
    schema = config_schema()
    blocks = {"Config": schema, **schema["$defs"]}
    bare = [
        f"{name}.{key}"
        for name, block in blocks.items()
        for key, field in block.get("properties", {}).items()
        if name != "Config" or key in Config.model_fields
        if not field.get("description")
    ]
    assert bare == []
