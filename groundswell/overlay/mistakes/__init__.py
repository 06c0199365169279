"""Mistakes: what goes wrong when people begin to sell beside self-serve, seen in one's own data."""

from groundswell.overlay.mistakes.detecting import DETECTORS, detect_mistakes
from groundswell.overlay.mistakes.known import CommissionFacts, Known

__all__ = ["DETECTORS", "CommissionFacts", "Known", "detect_mistakes"]
