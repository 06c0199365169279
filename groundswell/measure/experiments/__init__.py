"""Experiments: whether contact helps, by accounts that were deliberately not contacted."""

from groundswell.measure.experiments.balance import Balance, check_balance
from groundswell.measure.experiments.comparison import Effect, Group, UpliftVerdict
from groundswell.measure.experiments.cuped import adjust_values
from groundswell.measure.experiments.effects import (
    Difference,
    Sample,
    compare_means,
    compare_shares,
    newcombe,
)
from groundswell.measure.experiments.exposure import Exposure, log_exposure, read_exposure
from groundswell.measure.experiments.power import Wait, accounts_needed, smallest_share_effect
from groundswell.measure.experiments.sequential import always_valid
from groundswell.measure.experiments.uplift import (
    Uplift,
    UpliftTables,
    measure_uplift,
    observe_experiment,
)

__all__ = [
    "Balance",
    "Difference",
    "Effect",
    "Exposure",
    "Group",
    "Sample",
    "Uplift",
    "UpliftTables",
    "UpliftVerdict",
    "Wait",
    "accounts_needed",
    "adjust_values",
    "always_valid",
    "check_balance",
    "compare_means",
    "compare_shares",
    "log_exposure",
    "measure_uplift",
    "newcombe",
    "observe_experiment",
    "read_exposure",
    "smallest_share_effect",
]
