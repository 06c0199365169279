"""Imported by a process that others are forked from: what ships is then read once for all."""

import tempfile
from pathlib import Path

from groundswell.config.loading import load_config

with tempfile.TemporaryDirectory() as _folder:
    Path(_folder, "groundswell.yaml").write_text("company: Ours\n", encoding="utf-8")
    load_config(Path(_folder))
