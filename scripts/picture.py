"""Draw docs/images/demo.svg: what `make demo` prints, as it prints it.

python scripts/picture.py demo docs/images/demo.svg
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from groundswell.cli import output, story
from groundswell.engine import Project

WIDTH = 108
SHOWN = 6


def main() -> None:
    """Print the queue and one explanation of a demo project into a picture."""
    project, picture = Path(sys.argv[1]), Path(sys.argv[2])
    console = Console(record=True, width=WIDTH, file=sys.stderr, highlight=False)
    output.out = story.out = console
    with Project.open(project) as opened:
        queue = opened.accounts(qualified=True, limit=SHOWN)
        story.print_queue(queue)
        console.print()
        story.print_explanation(
            opened.explain(next(row for row in queue if row.hand_over).account_id)
        )
    picture.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(picture), title="groundswell demo", unique_id="groundswell")


if __name__ == "__main__":
    main()
