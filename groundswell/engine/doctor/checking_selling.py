"""A check of how the company sells: the mistakes that its own data shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.engine.reports import Check
from groundswell.engine.telling import read_latest

if TYPE_CHECKING:
    from groundswell.engine.project import Project


def check_mistakes(project: Project) -> Check:
    """See which mistakes of selling beside self-serve can be seen."""
    if project.live is None and read_latest(project.state) is None:
        return Check("", "ok", "Nothing was scored yet.")
    found = project.measuring.mistakes()
    seen = [one for one in found.findings if one.is_seen]
    if not seen:
        return Check("", "ok", f"None of the {len(found.titles)} that are watched for is seen.")
    titles = ", ".join(found.titles[one.name] for one in seen)
    fix = "Run `groundswell report mistakes`: it shows what each is seen by, and what to do."
    return Check("", "warning", f"{len(seen)} seen: {titles}.", fix)
