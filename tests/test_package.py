"""An installed wheel works outside the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_wheel_runs_the_demo_in_an_environment_of_its_own(tmp_path):
    environ = {**os.environ, "PYTHONPATH": ""}

    def run(*command: object, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 3), done.stderr
        return done.stdout

    uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    run(uv, "build", "--wheel", "--quiet", "--out-dir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("groundswell-*.whl")
    venv = tmp_path / "venv"
    run(uv, "venv", "--quiet", "--python", sys.executable, venv)
    requirements = tmp_path / "requirements.txt"
    locked = run(uv, "export", "--quiet", "--frozen", "--no-default-groups", "--no-emit-project",
                 "--no-hashes", cwd=ROOT)  # fmt: skip
    requirements.write_text(locked, encoding="utf-8")
    run(uv, "pip", "install", "--quiet", "--python", venv, "-r", requirements)
    run(uv, "pip", "install", "--quiet", "--python", venv, "--no-deps", wheel)
    groundswell = venv / "bin" / "groundswell"
    report = json.loads(
        run(
            groundswell,
            "demo",
            "--project",
            tmp_path / "demo",
            "--accounts",
            "100",
            "--months",
            "6",
            "--json",
        )
    )
    assert report["run"]["accounts"] == 100
    assert report["queue"]
    where = run(venv / "bin" / "python", "-c", "import groundswell; print(groundswell.__file__)")
    assert str(venv) in where
