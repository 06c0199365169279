"""A configuration with some keys set to other values, for a question and never written down."""

from __future__ import annotations

import os
import tempfile
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from groundswell.config.loading import LoadedConfig, load_config
from groundswell.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def load_overridden(file: Path, settings: Sequence[str]) -> LoadedConfig:
    """Return the configuration of a file with other values for some keys.

    Args:
        file: A groundswell.yaml.
        settings: Such as `score.qualified.at_least=60`; values are read as YAML.

    Raises:
        UsageError: A setting is not `key=value`, or goes through something that is no block.
        ConfigError: The configuration cannot be used with them.
    """
    written = load_config(file)  # what is wrong with it is told as it stands
    if not settings:
        return written
    yaml = YAML(typ="rt")
    data: Any = yaml.load(file.read_text(encoding="utf-8")) or {}
    for setting in settings:
        _set(data, setting)
    text = StringIO()
    yaml.dump(data, text)
    # Beside the file, so that what it includes is found; and gone before anybody looks.
    handle, name = tempfile.mkstemp(prefix=".asked-", suffix=".yaml", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as asked:
            asked.write(text.getvalue())
        return load_config(Path(name))
    finally:
        Path(name).unlink()


def _set(data: Any, setting: str) -> None:
    path, told, value = setting.partition("=")
    keys = path.strip().split(".")
    if not told or not all(keys):
        raise _refused(f"`{setting}` is no setting.")
    try:
        read = YAML(typ="safe").load(value)
    except YAMLError:
        raise _refused(f"The value of `{path}` is no YAML.") from None
    for key in keys[:-1]:
        if data.get(key) is None:
            data[key] = {}
        data = data[key]
        if not isinstance(data, dict):
            raise _refused(f"`{path}` goes through `{key}`, which is no block.")
    data[keys[-1]] = read


def _refused(what: str) -> UsageError:
    fix = "Write it like `--set score.qualified.at_least=60`."
    return UsageError(Problem("usage-setting", what, fix))
