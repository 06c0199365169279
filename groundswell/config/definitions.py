"""A whole definition of a score as a document of its own: what is kept, read, edited and proved.

It says everything that scoring reads, so an old score is explained by the definition of its version
and by nothing else. Reading what was written gives a definition of the same version.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from groundswell.config.document import Document, parse_document, read_document
from groundswell.config.schema import PresetDef, ScoreBlock
from groundswell.config.scores import resolve_score
from groundswell.config.validation import validate
from groundswell.config.vocabulary import feature_types
from groundswell.errors import ConfigError
from groundswell.model import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from groundswell.config.loading import LoadedConfig
    from groundswell.config.resolved import ComponentSpec, ScoreDef
    from groundswell.config.schema import Threshold

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*[A-Za-z0-9_]")
_WIDTH = 1 << 20  # one line for each list, whatever its length


def read_definition(path: Path, loaded: LoadedConfig) -> ScoreDef:
    """Read a definition from a file.

    Raises:
        ConfigError: With every mistake, each at its place.
    """
    return _resolved(read_document(path, root=path.parent), loaded)


def parse_definition(text: str, name: str, loaded: LoadedConfig) -> ScoreDef:
    """Read a definition from its text, which is called `name` in messages.

    Raises:
        ConfigError: It cannot be used, such as when a feature that it reads is gone.
    """
    return _resolved(parse_document(text, name), loaded)


def preset_definition(preset: PresetDef, loaded: LoadedConfig) -> ScoreDef:
    """Return a preset as it ships, without any edits.

    Raises:
        ConfigError: A feature that it reads was taken away.
    """
    document = Document(files=[preset.name])
    findings = document.findings()
    types = feature_types(loaded.features)
    found = resolve_score(ScoreBlock(), preset, types=types, findings=findings, at=())
    findings.raise_any()
    assert found is not None, "what is wrong was told"
    return found


def _resolved(document: Document, loaded: LoadedConfig) -> ScoreDef:
    findings = document.findings()
    findings.raise_any()
    checked = validate(PresetDef, document.data, findings=findings)
    found = None
    if checked is not None:
        types = feature_types(loaded.features)
        found = resolve_score(ScoreBlock(), checked.value, types=types, findings=findings, at=())
    findings.raise_any()
    if found is None:
        raise ConfigError(*findings.problems)
    return found


def write_definition(score: ScoreDef, *, notes: Mapping[str, str] | None = None) -> str:
    """Return a definition as YAML.

    Args:
        score: The definition.
        notes: By component, what is written beside it.
    """
    document = CommentedMap()
    document["name"] = score.preset
    document["combine"] = score.combine
    document["weights"] = flow_block(
        {part.value: plain_number(score.parts[part].weight) for part in Part}
    )
    if score.base:
        document["base"] = plain_number(score.base)
    document["qualified"] = flow_block(_threshold(score.qualified))
    if score.enterprise is not None:
        document["enterprise"] = flow_block(_threshold(score.enterprise))
    document["bands"] = flow_block(
        {"medium": plain_number(score.bands.medium), "high": plain_number(score.bands.high)}
    )
    document["release"] = flow_block(
        {
            "below": plain_number(score.release_below),
            "for": f"{score.release_days}d",
            "cool_down": f"{score.cool_down_days}d",
        }
    )
    if score.learned_until is not None:
        document["learned_until"] = score.learned_until.isoformat()
    if score.chance is not None:
        document["chance"] = CommentedMap(
            at=flow_block([plain_number(value) for value in score.chance.at]),
            give=flow_block([plain_number(value) for value in score.chance.give]),
        )
    for part in Part:
        document[part.value] = block = CommentedMap()
        for spec in score.parts[part].components:
            block[spec.name] = write_component(spec)
            if notes and spec.name in notes:
                block.yaml_add_eol_comment(notes[spec.name], spec.name)
        if not block:
            document[part.value] = flow_block({})
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def write_component(spec: ComponentSpec) -> CommentedMap:
    """Return a component as it is written."""
    found = CommentedMap()
    if spec.when is not None:
        found["when"] = spec.when.text
        found["give"] = plain_number(spec.points or 0.0)
    else:
        found["from"] = spec.feature
        if spec.lookup is not None:
            found["give"] = flow_block(
                {_text(key): plain_number(give) for key, give in spec.lookup.items()}
            )
        else:
            assert spec.at is not None
            assert spec.give is not None
            found["at"] = flow_block([plain_number(value) for value in spec.at])
            found["give"] = flow_block([plain_number(value) for value in spec.give])
    if spec.unknown:
        found["unknown"] = plain_number(spec.unknown)
    for word in ("say", "say_unknown"):
        if (text := getattr(spec, word)) is not None:
            found[word] = text
    return found


def _threshold(threshold: Threshold) -> dict[str, int | float]:
    return {
        word: plain_number(value)
        for word in ("above", "at_least")
        if (value := getattr(threshold, word)) is not None
    }


def plain_number(value: float) -> int | float:
    """Return a whole number without its point.

    >>> plain_number(3.0), plain_number(0.5)
    (3, 0.5)
    """
    return int(value) if float(value).is_integer() else float(value)


def _text(key: str) -> str:
    """Return a text that stands on one line with others: in quotes, unless it is a plain word."""
    return key if _PLAIN.fullmatch(key) else DoubleQuotedScalarString(key)


def flow_block(value: dict[str, Any] | list[Any]) -> CommentedMap | CommentedSeq:
    """Return a block that is written on one line."""
    found = CommentedMap(value) if isinstance(value, dict) else CommentedSeq(value)
    found.fa.set_flow_style()
    return found
