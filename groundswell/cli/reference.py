"""Write docs/reference from the code: commands, configuration, features, scores, routing, the API.

`python -m groundswell.cli.reference docs/reference` rewrites the pages; a test fails when they are
not what this module would write.
"""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from ruamel.yaml import YAML
from typer.main import get_command

from groundswell.api.openapi import openapi_json
from groundswell.cli.app import app, import_commands
from groundswell.config.alerts import IS_HIGH, POTENTIAL
from groundswell.config.presets import DEFAULT_WINDOWS, shipped_features
from groundswell.config.schema import config_schema
from groundswell.presets import read_preset

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERATED = "<!-- Written from the code by `make docs`; edit the code instead. -->\n\n"


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    for row in rows:
        cells = (cell.replace("|", "\\|").replace("\n", " ").strip() for cell in row)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every command that is no group, by its full name."""
    inner: dict[str, Any] = getattr(command, "commands", {})
    for key, value in sorted(inner.items()):
        yield from _commands(value, f"{name} {key}")
    if not inner:
        yield name, command


def commands_page() -> str:
    """Return the page of every command with its arguments and options."""
    import_commands()
    text = GENERATED + "# Commands\n\nExit codes: 0 done, 1 failed, 2 bad configuration or usage, "
    text += "3 done with rejected rows.\n"
    for name, command in _commands(get_command(app), "groundswell"):
        usage = command.get_usage(typer.Context(command, info_name=name)).removeprefix("Usage: ")
        text += f"\n## {name}\n\n{command.help or ''}\n\n```\n{usage}\n```\n\n"
        rows = (
            (f"`{'`, `'.join(parameter.opts)}`", getattr(parameter, "help", None) or "")
            for parameter in command.params
            if parameter.param_type_name == "option"
        )
        text += _table(("option", "what it does"), rows)
    return text


def _schema_rows(block: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, field in block.get("properties", {}).items():
        default = field.get("default")
        shown = "" if default in (None, "", [], {}) else f"`{default}`"
        yield f"`{name}`", field.get("description", ""), shown


def config_page() -> str:
    """Return the page of every block and key of groundswell.yaml."""
    schema = config_schema()
    text = GENERATED + "# groundswell.yaml\n\nThe keys of the file, block by block.\n\n"
    header = ("key", "what it says", "default")
    text += _table(header, _schema_rows(schema))
    for name, block in sorted(schema.get("$defs", {}).items()):
        if "properties" in block:
            text += f"\n## {name}\n\n{block.get('description', '')}\n\n"
            text += _table(header, _schema_rows(block))
    return text


def _read(name: str) -> Any:
    return YAML(typ="safe").load(read_preset(name))


def _as_yaml(value: Any) -> str:
    stream = StringIO()
    writer = YAML(typ="safe")
    writer.default_flow_style = True
    writer.width = 10_000
    writer.dump(value, stream)
    return stream.getvalue().strip()


def features_page() -> str:
    """Return the page of every built-in feature with its definition."""
    features: dict[str, dict[str, Any]] = _read("features.yaml")
    text = GENERATED + "# Built-in features\n\n`<w>` stands for each declared window.\n\n"

    def rows() -> Iterator[tuple[str, ...]]:
        for name, definition in features.items():
            written = {key: value for key, value in definition.items() if key not in ("doc", "say")}
            yield f"`{name}`", str(definition.get("doc", "")), f"`{_as_yaml(written)}`"
        for name in (POTENTIAL, IS_HIGH):
            made = shipped_features(DEFAULT_WINDOWS)[name]
            written = {"value": made.value} if made.value is not None else {"when": made.when}
            text = {key: " ".join(str(value).split()) for key, value in written.items()}
            yield f"`{name}`", made.doc, f"`{_as_yaml(text)}`"

    return text + _table(("feature", "what it measures", "declared as"), rows())


def presets_page() -> str:
    """Return the page of everything that ships as YAML."""
    text = GENERATED + "# Presets\n\nWhat Groundswell ships; your file edits it.\n"
    names = [f"score/{name}.yaml" for name in ("hybrid", "points", "buckets")]
    names += [
        "motions.yaml",
        "triggers.yaml",
        "alerts.yaml",
        "risks.yaml",
        "offers.yaml",
        "plays.yaml",
        "guardrails.yaml",
        "metrics.yaml",
        "commissions.yaml",
        "payback.yaml",
        "pricing.yaml",
        "experiments.yaml",
        "overlay.yaml",
        "mistakes.yaml",
    ]
    names += ["meanings.yaml"]
    for name in names:
        text += f"\n## {name}\n\n```yaml\n{read_preset(name).rstrip()}\n```\n"
    return text


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "commands.md": commands_page(),
        "configuration.md": config_page(),
        "features.md": features_page(),
        "presets.md": presets_page(),
        "openapi.json": openapi_json().decode(),
    }


def main() -> None:
    """Write the pages into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
