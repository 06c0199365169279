"""`overlay:` checked: that its lines and spans go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.config.findings import Findings, Key
    from groundswell.config.overlay_schema import OverlayBlock, SignalTerms

_ORDER = "config-band-order"


def resolve_overlay(block: OverlayBlock, *, findings: Findings) -> OverlayBlock:
    """Return what the overlay is judged by; `findings` is told of everything that is wrong."""
    for name in type(block.signals).model_fields:
        _check_signal(name, getattr(block.signals, name), findings)
    if block.rule.watch >= block.rule.trigger:
        what = f"{block.rule.watch} signals are watched, and {block.rule.trigger} are a trigger."
        fix = "Let `watch` be fewer than `trigger`."
        findings.tell(("overlay", "rule", "watch"), _ORDER, what, fix)
    for layer in type(block.layers).model_fields:
        terms = getattr(block.layers, layer)
        for word in ("people", "acv", "cycle_months"):
            _check_span(("overlay", "layers", layer, word), getattr(terms, word), findings)
    _check_span(("overlay", "first_hire", "arr"), block.first_hire.arr, findings)
    symptoms = block.symptoms
    _check_span(
        ("overlay", "symptoms", "growth_ceiling"),
        (symptoms.growth_ceiling, symptoms.growth_before),
        findings,
    )
    nrr = (symptoms.nrr_low, symptoms.nrr_high)
    _check_span(("overlay", "symptoms", "nrr_low"), nrr, findings)
    return block


def _check_signal(name: str, terms: SignalTerms, findings: Findings) -> None:
    """Tell of a signal that would hold above where it fires, or be watched above where it holds."""
    lines = {"watch_from": terms.watch_from, "holds_from": terms.holds_from}
    upper, above = "fires_at", terms.fires_at
    for word in ("holds_from", "watch_from"):
        if lines[word] > above:
            what = f"`{word}` of {lines[word]:g} is above `{upper}` of {above:g}."
            fix = "Let `watch_from`, `holds_from` and `fires_at` rise in this order."
            findings.tell(("overlay", "signals", name, word), _ORDER, what, fix)
            return
        upper, above = word, lines[word]


def _check_span(key: Key, span: Sequence[float], findings: Findings) -> None:
    low, high = span
    if high < low:
        what = f"The span from {low:g} to {high:g} falls."
        findings.tell(key, _ORDER, what, "Write the lower end before the higher one.")
