"""Attribution: each new or expanded dollar in exactly one bucket, with its receipt."""

from groundswell.measure.attribution.comparisons import Comparison, Moved, compare
from groundswell.measure.attribution.evidence import Evidence, Facts, footprint_days
from groundswell.measure.attribution.receipts import (
    BUCKETS,
    GAINS,
    Receipt,
    attribute,
    commission_receipts,
    first_of_quarter,
)
from groundswell.measure.attribution.totals import QuarterTotal, Total, total_receipts

__all__ = [
    "BUCKETS",
    "GAINS",
    "Comparison",
    "Evidence",
    "Facts",
    "Moved",
    "QuarterTotal",
    "Receipt",
    "Total",
    "attribute",
    "commission_receipts",
    "compare",
    "first_of_quarter",
    "footprint_days",
    "total_receipts",
]
