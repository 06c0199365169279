"""YAML files as plain data with the place of every key and value.

ruamel.yaml parses; this module walks its nodes instead of its objects, because a node knows
where it stands, even when a key is written twice. Included files are merged block by block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING, Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from groundswell.config.findings import Findings, Key, Spot, key_path
from groundswell.config.syntax import character_problem, syntax_problem
from groundswell.errors import Place, Problem
from groundswell.presets import compose_preset, preset_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SCORE_PARTS = ("usage", "fit", "behaviour")
# Keys whose mappings are put together when several files have them; everything else is one value.
_MERGED: frozenset[Key] = frozenset(
    {
        (),
        ("score",),
        *(("score", part) for part in _SCORE_PARTS),
        ("events",),
        ("features",),
        ("plans",),
        ("triggers",),
        ("guardrails",),
        ("teams",),
        ("sources",),
        ("identity",),
        ("limits",),
        ("market",),
        ("destinations",),
        ("events", "used_feature"),
        ("events", "integration_connected"),
        ("events", "enterprise_feature_viewed"),
        ("events", "enterprise_feature_used"),
        ("identity", "aliases"),
        ("identity", "subsidiaries"),
    }
)
_LOOKS_SCALAR = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Document:
    """Plain data, and where each key of it stands.

    Keys are always text. `files` are those read, as they are named in messages.
    """

    data: dict[str, Any] = field(default_factory=dict[str, Any])
    spots: dict[Key, Spot] = field(default_factory=dict[Key, Spot])
    problems: list[Problem] = field(default_factory=list[Problem])
    files: list[str] = field(default_factory=list[str])

    def findings(self) -> Findings:
        """Return a collection of mistakes that begins with what reading found."""
        return Findings(self.spots, list(self.problems))


def parse_document(text: str, name: str, *, block: str | None = None) -> Document:
    """Parse one YAML text; what is wrong with it is in `problems`.

    Args:
        text: The YAML.
        name: What the file is called in messages.
        block: The block whose value the whole text is, for files that hold one block.
    """
    document = Document(files=[name])
    try:
        root = _compose(text)
    except MarkedYAMLError as error:
        document.problems.append(syntax_problem(error, name))
        return document
    except YAMLError as error:
        document.problems.append(character_problem(error, text, name))
        return document
    if root is None:
        return document
    return _walk(document, YAML(typ="safe", pure=True), root, block)


@lru_cache(maxsize=8)
def _compose(text: str) -> Node | None:
    """Return the nodes of a text, which nobody changes; it takes a second for 400 kB."""
    return YAML(typ="safe", pure=True).compose(StringIO(text))


def parse_preset(name: str, *, block: str | None = None) -> Document:
    """Parse a shipped file as `parse_document` does any other.

    Args:
        name: The file, such as `score/hybrid.yaml`.
        block: The block whose value the whole file is.
    """
    document = Document(files=[preset_path(name)])
    return _walk(document, YAML(typ="safe", pure=True), _as_ours(compose_preset(name)), block)


def _as_ours(node: yaml.Node) -> Node:
    """Return a node of LibYAML as one of ruamel.yaml."""
    if isinstance(node, yaml.MappingNode):
        below = [(_as_ours(key), _as_ours(value)) for key, value in node.value]
        return MappingNode(node.tag, below, node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        return SequenceNode(node.tag, [_as_ours(item) for item in node.value], node.start_mark)
    return ScalarNode(node.tag, node.value, node.start_mark)


def _walk(document: Document, reader: YAML, root: Node, block: str | None) -> Document:
    (name,) = document.files
    walker = _Walker(document, reader, name)
    if block is not None:
        document.spots[(block,)] = Spot(walker.place(root), walker.place(root))
        document.data = {block: walker.value(root, (block,))}
        return document
    if not isinstance(root, MappingNode):
        document.problems.append(
            Problem(
                code="config-wrong-type",
                what="The file is not a mapping of keys to values.",
                fix="Begin each block with its key, such as `events:`.",
                where=Place(name, 1, 1),
            )
        )
        return document
    document.data = walker.mapping(root, ())
    return document


def read_document(path: Path, *, root: Path, texts: Mapping[Path, str] | None = None) -> Document:
    """Read a file and everything it includes.

    Args:
        path: The file.
        root: Folder that names in messages are relative to.
        texts: What is read in place of what some files hold, by their resolved paths.
    """
    return _read(path, root=root, seen=(), included_at=None, texts=texts or {})


def _name(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except (ValueError, OSError):  # the latter for a name that no file can have
        return str(path)


def _read(
    path: Path,
    *,
    root: Path,
    seen: tuple[str, ...],
    included_at: Spot | None,
    texts: Mapping[Path, str],
) -> Document:
    name = _name(path, root)
    place = included_at.value if included_at else Place(name)
    if name in seen:
        round_ = " -> ".join((*seen[seen.index(name) :], name))
        what = f"Files include each other: {round_}."
        fix = "Take one of the `include` lines out."
        return _only_problem("config-include-cycle", what, fix, place, name)
    try:
        text = texts.get(path.resolve()) if texts else None
        if text is None:
            text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return _only_problem(
            "config-encoding", f"`{name}` is not UTF-8.", "Save it as UTF-8.", Place(name), name
        )
    except (OSError, ValueError):  # the latter for a name that no file can have
        fix = (
            "Mend the path; it is relative to the file that includes it."
            if included_at
            else "Run `groundswell init` to write one, or name the project's folder."
        )
        return _only_problem(
            "config-file-missing", f"There is no file `{name}` to read.", fix, place, name
        )
    document = parse_document(text, name)
    includes = document.data.get("include", [])
    for index, other in enumerate(includes if isinstance(includes, list) else [includes]):
        if isinstance(other, str):
            spot = document.spots.get(("include", index)) or document.spots.get(("include",))
            included = _read(
                path.parent / other,
                root=root,
                seen=(*seen, name),
                included_at=spot,
                texts=texts,
            )
            _merge(document, included)
    return document


def _only_problem(code: str, what: str, fix: str, place: Place, name: str) -> Document:
    return Document(problems=[Problem(code=code, what=what, fix=fix, where=place)], files=[name])


def _merge(into: Document, other: Document) -> None:
    """Put `other` into `into`; a value that both have is a mistake that names both places."""
    into.problems.extend(other.problems)
    into.files.extend(other.files)
    other.data.pop("include", None)
    _merge_mapping(into, other, into.data, other.data, ())


def _merge_mapping(
    into: Document, other: Document, ours: dict[str, Any], theirs: dict[str, Any], key: Key
) -> None:
    for name, value in theirs.items():
        below = (*key, name)
        if name not in ours:
            ours[name] = value
            into.spots.update(
                (key, spot) for key, spot in other.spots.items() if key[: len(below)] == below
            )
        elif below in _MERGED and isinstance(value, dict) and isinstance(ours[name], dict):
            _merge_mapping(into, other, ours[name], value, below)
        else:
            into.problems.append(_twice(below, into.spots[below].key, other.spots[below].key))


def _twice(key: Key, first: Place, second: Place) -> Problem:
    return Problem(
        code="config-duplicate-key",
        what=f"`{key_path(key)}` is defined twice: at {first} and at {second}.",
        fix="Keep one of them.",
        where=second,
        path=key_path(key),
    )


@dataclass(slots=True)
class _Walker:
    """Turns the nodes of one file into plain data, and remembers where they stand."""

    document: Document
    reader: YAML
    name: str
    inside: list[Node] = field(default_factory=list[Node])

    def place(self, node: Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for name_node, value_node in node.value:
            if name_node.tag == f"{_LOOKS_SCALAR}merge":
                for part in self._merge_sources(value_node):
                    merged = self.mapping(part, key) | merged
                continue
            name = self._key_text(name_node)
            below = (*key, name)
            here = self.place(name_node)
            if name in found:
                first = self.document.spots[below].key
                self.document.problems.append(_twice(below, first, here))
                continue
            # An empty value has no place of its own.
            empty = isinstance(value_node, ScalarNode) and not value_node.value
            self.document.spots[below] = Spot(here, here if empty else self.place(value_node))
            found[name] = self.value(value_node, below)
        return merged | found

    @staticmethod
    def _merge_sources(node: Node) -> list[MappingNode]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        return [part for part in nodes if isinstance(part, MappingNode)]

    def _key_text(self, node: Node) -> str:
        if isinstance(node, ScalarNode):
            if node.tag == f"{_LOOKS_SCALAR}bool":
                return str(node.value).lower()
            return str(node.value)
        what = "A key is itself a list or a mapping."
        fix = "Write keys as plain text; put text that begins with a bracket in quotes."
        self._tell(node, (), what, fix)
        return "?"

    def value(self, node: Node, key: Key) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node, key)
        if any(node is outer for outer in self.inside):
            self._tell(node, key, "A value holds itself.", "Take the alias out.")
            return None
        self.inside.append(node)
        value = self.mapping(node, key) if isinstance(node, MappingNode) else self._list(node, key)
        self.inside.pop()
        return value

    def _list(self, node: Node, key: Key) -> list[Any]:
        items: list[Any] = []
        for index, item in enumerate(node.value):
            below = (*key, index)
            place = self.place(item)
            self.document.spots[below] = Spot(place, place)
            items.append(self.value(item, below))
        return items

    def _tell(self, node: Node, key: Key, what: str, fix: str) -> None:
        self.document.problems.append(
            Problem(
                code="config-yaml-syntax",
                what=what,
                fix=fix,
                where=self.place(node),
                path=key_path(key),
            )
        )

    def _scalar(self, node: Node, key: Key) -> Any:
        kind = str(node.tag).removeprefix(_LOOKS_SCALAR)
        if kind in {"int", "float", "bool", "null"}:
            return self.reader.constructor.construct_object(node)
        if kind not in {"str", "timestamp"}:
            what = f"The tag `{node.tag}` means nothing here."
            fix = "Take it out; put text that begins with `!` in quotes."
            self._tell(node, key, what, fix)
        return str(node.value)
