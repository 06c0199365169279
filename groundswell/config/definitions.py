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
    document["weights"] = _flow({part.value: _number(score.parts[part].weight) for part in Part})
    if score.base:
        document["base"] = _number(score.base)
    document["qualified"] = _flow(_threshold(score.qualified))
    if score.enterprise is not None:
        document["enterprise"] = _flow(_threshold(score.enterprise))
    document["bands"] = _flow(
        {"medium": _number(score.bands.medium), "high": _number(score.bands.high)}
    )
    document["release"] = _flow(
        {
            "below": _number(score.release_below),
            "for": f"{score.release_days}d",
            "cool_down": f"{score.cool_down_days}d",
        }
    )
    if score.learned_until is not None:
        document["learned_until"] = score.learned_until.isoformat()
    if score.chance is not None:
        document["chance"] = CommentedMap(
            at=_flow([_number(value) for value in score.chance.at]),
            give=_flow([_number(value) for value in score.chance.give]),
        )
    for part in Part:
        document[part.value] = block = CommentedMap()
        for spec in score.parts[part].components:
            block[spec.name] = _component(spec)
            if notes and spec.name in notes:
                block.yaml_add_eol_comment(notes[spec.name], spec.name)
        if not block:
            document[part.value] = _flow({})
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _component(spec: ComponentSpec) -> CommentedMap:
    found = CommentedMap()
    if spec.when is not None:
        found["when"] = spec.when.text
        found["give"] = _number(spec.points or 0.0)
    else:
        found["from"] = spec.feature
        if spec.lookup is not None:
            found["give"] = _flow({_text(key): _number(give) for key, give in spec.lookup.items()})
        else:
            assert spec.at is not None
            assert spec.give is not None
            found["at"] = _flow([_number(value) for value in spec.at])
            found["give"] = _flow([_number(value) for value in spec.give])
    if spec.unknown:
        found["unknown"] = _number(spec.unknown)
    for word in ("say", "say_unknown"):
        if (text := getattr(spec, word)) is not None:
            found[word] = text
    return found


def _threshold(threshold: Threshold) -> dict[str, int | float]:
    return {
        word: _number(value)
        for word in ("above", "at_least")
        if (value := getattr(threshold, word)) is not None
    }


def _number(value: float) -> int | float:
    """Return a whole number without its point.

    >>> _number(3.0), _number(0.5)
    (3, 0.5)
    """
    return int(value) if float(value).is_integer() else float(value)


def _text(key: str) -> str:
    """Return a text that stands on one line with others: in quotes, unless it is a plain word."""
    return key if _PLAIN.fullmatch(key) else DoubleQuotedScalarString(key)


def _flow(value: dict[str, Any] | list[Any]) -> CommentedMap | CommentedSeq:
    """Return a block that is written on one line."""
    found = CommentedMap(value) if isinstance(value, dict) else CommentedSeq(value)
    found.fa.set_flow_style()
    return found
