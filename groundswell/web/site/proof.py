"""Definitions of the score, judged by the past: backtests, comparisons, and whether one holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from groundswell.config.loading import FITTED
from groundswell.config.presets import SCORE_PRESETS
from groundswell.engine.colleagues import Role
from groundswell.errors import Problem, UsageError, did_you_mean
from groundswell.web.site.lab import HIGHEST
from groundswell.web.site.reports import picture_of
from groundswell.web.site.shelf import Asked
from groundswell.web.site.visit import Answer, Moved, Shown, read_number

if TYPE_CHECKING:
    from datetime import date, datetime

    from groundswell.engine import Project
    from groundswell.engine.lab import Lab
    from groundswell.web.document import Report
    from groundswell.web.site.visit import Visit

PROOF = "/lab/proof"
STUDIES = {
    "backtest": "How it would have done",
    "compare": "How it does beside another",
    "drift": "Whether it still holds",
    "revenue": "What another threshold would bring",
}
"""What can be asked of a definition, and what that tells."""

_QUERY = ("study", "of", "beside", "line")
_CURRENT, _HAND_MADE = "current", "hand-made"


@dataclass(frozen=True, slots=True)
class ProofPage:
    """What the past says of a definition.

    Attributes:
        choices: The definitions there are, and what each is called.
        studies: What can be asked.
        study: What is asked; empty for nothing yet.
        of: The definition.
        beside: The one that it is compared with.
        line: The threshold that is asked about; empty for its own.
        version: Of the definition; empty while nothing is asked.
        report: What it comes to; None while it is being made, or nothing is asked.
        problems: Why it could not be made.
        as_of: The last day that is known.
        made_at: When it was made.
        may_keep: Whether who asks may have the backtest kept with its version.
        is_kept: Whether it is kept.
    """

    choices: dict[str, str]
    studies: dict[str, str]
    study: str
    of: str
    beside: str
    line: str
    version: str
    report: Report | None
    problems: tuple[Problem, ...]
    as_of: date
    made_at: datetime | None
    may_keep: bool
    is_kept: bool

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"{PROOF}?{self._query}"

    def picture(self, name: str) -> str:
        """Return where one of its pictures is."""
        return f"{PROOF}/{quote(name, safe='')}.svg?{self._query}"

    @property
    def _query(self) -> str:
        asked = {"study": self.study, "of": self.of, "beside": self.beside, "line": self.line}
        return urlencode({name: text for name, text in asked.items() if text})


def show_proof(visit: Visit) -> Answer:
    """Show what the past says of a definition, or that it is being looked through.

    Raises:
        UsageError: There is no such definition, or nothing of the kind can be asked.
        ConfigError: The definition reads a feature that is not there any more.
    """
    lab = visit.project.lab
    study, of, beside, line = (visit.query.get(name, "") for name in _QUERY)
    version, made, problems = "", None, ()
    if study:
        asked = asked_of(visit.project, study, of, beside, line)
        version = lab.definition(of or _CURRENT).version
        made, problems = visit.site.reports.look(asked)
    is_own = study == "backtest" and not line and lab.is_registered(version)
    judged = made if is_own else None
    page = ProofPage(
        choices=choices_of(lab),
        studies=STUDIES,
        study=study,
        of=of or _CURRENT,
        beside=beside or _HAND_MADE,
        line=line,
        version=version,
        report=made.report if made else None,
        problems=problems,
        as_of=visit.project.looker.latest_day() or visit.project.today(),
        made_at=made.at if made else None,
        may_keep=judged is not None and visit.who.role == Role.ADMIN,
        is_kept=judged is not None and lab.keeps(judged.found),
    )
    return Shown("proof.html", page, "Proof", part="part_proof.html")


def show_proof_picture(visit: Visit) -> Answer:
    """Answer with a picture of what the past says.

    Raises:
        NotSeenError: There is no such picture, or it is not made yet.
        UsageError: There is no such definition, or nothing of the kind can be asked.
        ConfigError: The definition reads a feature that is not there any more.
    """
    asked = (visit.query.get(name, "") for name in _QUERY)
    made, _ = visit.site.reports.look(asked_of(visit.project, *asked))
    return picture_of(made, visit.path["picture"])


def keep_backtest(visit: Visit) -> Answer:
    """Keep a backtest that was made here with its version, which may be published then.

    Raises:
        UsageError: There is no such definition, it is no version that is kept, or the backtest is
            not made yet.
        ConfigError: The definition reads a feature that is not there any more.
    """
    lab, of = visit.project.lab, visit.form.get("of", "")
    made, _ = visit.site.reports.look(asked_of(visit.project, "backtest", of))
    if made is None:
        raise UsageError(
            Problem("proof-missing", "The backtest is not made yet.", "Look at it first.")
        )
    lab.keep_backtest(made.found, who=visit.who.email)
    visit.note("model.backtest", about=made.found.version)
    return Moved(f"{PROOF}?{urlencode({'study': 'backtest', 'of': of})}")


def asked_of(project: Project, study: str, of: str = "", beside: str = "", line: str = "") -> Asked:
    """Return what the shelf is asked.

    Args:
        project: Whose past.
        study: One of `STUDIES`.
        of: The definition, one of those that `choices_of` gives; the one in use by default.
        beside: The one that it is compared with, alike; as the configuration says it by default.
        line: The threshold in place of its own, as it was typed; its own where empty.

    Raises:
        UsageError: There is no such definition, or nothing of the kind can be asked.
        ConfigError: A definition reads a feature that is not there any more.
    """
    if study not in STUDIES:
        fix = did_you_mean(study, STUDIES, noun="There are")
        raise UsageError(Problem("proof-study", f"`{study[:40]}` cannot be asked.", fix))
    lab, day = project.lab, project.looker.latest_day()
    at = read_number("line", line, least=0.0, most=HIGHEST) if line.strip() else None
    choices = choices_of(lab)
    of = _known(of or _CURRENT, choices)
    first = lab.definition(of)
    if study == "compare":
        beside = _known(beside or _HAND_MADE, choices)
        second = lab.definition(beside)
        return Asked(
            (study, str(day), first.version, second.version),
            lambda: lab.compare(of, beside, as_of=day),
            partial(_write, "proof_report:report_comparison", title="Comparison"),
        )
    if study == "drift":
        return Asked(
            (study, str(day), first.version),
            lambda: lab.drift(of, as_of=day),
            partial(_write, "drift_report:report_drift", title="Drift"),
        )
    if study == "revenue":
        setting = _setting(project, at)
        return Asked(
            (study, str(day), project.loaded.score.version, setting),
            lambda: project.measuring.what_if(settings=[setting], as_of=day),
            partial(_write, "whatif_report:report_what_if"),
        )
    return Asked(
        (study, str(day), first.version, line),
        lambda: lab.backtest(of, at=at, as_of=day, keep=False),
        partial(_write, "proof_report:report_backtest", title="Backtest"),
    )


def _setting(project: Project, at: float | None) -> str:
    """Return the key that another threshold is set by."""
    loaded = project.loaded
    if loaded.config.score.preset == FITTED:
        raise UsageError(
            Problem(
                "score-learned",
                f"Accounts are scored by `{loaded.score.version}`, which was learned.",
                "Ask how it would have done with the other threshold.",
            )
        )
    if at is None:
        raise UsageError(
            Problem("proof-line", "No threshold is named.", "Write the one to ask about.")
        )
    word = "above" if loaded.score.qualified.above is not None else "at_least"
    return f"score.qualified.{word}={at:g}"


def _write(writer: str, found: Any, **named: str) -> Report:
    """Write a report; what draws is imported once somebody asks for it."""
    return resolve_name(f"groundswell.web.{writer}")(found, **named)


def _known(name: str, choices: dict[str, str]) -> str:
    """Return the name of a definition; a file is none here."""
    if name in choices:
        return name
    fix = did_you_mean(name, choices, noun="Definitions")
    raise UsageError(Problem("proof-unknown", f"There is no definition `{name[:60]}`.", fix))


def choices_of(lab: Lab) -> dict[str, str]:
    """Return the definitions there are, and what each is."""
    named = {
        _CURRENT: "the one in use",
        _HAND_MADE: "as the configuration says it",
        **dict.fromkeys(sorted(SCORE_PRESETS), "preset"),
    }
    versions = {model.version: model.status for model in reversed(lab.versions())}
    return {**named, **versions}
