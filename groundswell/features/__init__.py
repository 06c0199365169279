"""Features: numbers about an account as of any day, declared in YAML and computed in one pass."""

from groundswell.features.assembling import Computation
from groundswell.features.computing import compute_features, prepare
from groundswell.features.plan import FeaturePlan, compile_plan
from groundswell.features.rollup import build_activity

__all__ = [
    "Computation",
    "FeaturePlan",
    "build_activity",
    "compile_plan",
    "compute_features",
    "prepare",
]
