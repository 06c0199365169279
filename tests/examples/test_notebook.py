"""The notebook runs as it stands, in a kernel of its own."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


@pytest.mark.slow
@pytest.mark.loopback
def test_notebook_runs_from_top_to_bottom(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    html = [
        output.data["text/html"]
        for cell in shown
        for output in cell.outputs
        if output.get("data", {}).get("text/html", "").startswith("<h4>")
    ]
    assert len(html) == 1
    assert "usage" in html[0]
