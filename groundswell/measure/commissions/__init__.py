"""Commissions: what each rep is paid for which dollar, and whether the plan works."""

from groundswell.measure.commissions.baselines import Baseline, Baselines
from groundswell.measure.commissions.columns import DISPUTES, EMPLOYEES, RECEIPTS
from groundswell.measure.commissions.crediting import Line, credit_receipts
from groundswell.measure.commissions.entries import Entry, make_entries
from groundswell.measure.commissions.plan_check import PlanCheck, Side, check_plan, worked_sides
from groundswell.measure.commissions.statements import Attainment, Statement, make_statements

__all__ = [
    "DISPUTES",
    "EMPLOYEES",
    "RECEIPTS",
    "Attainment",
    "Baseline",
    "Baselines",
    "Entry",
    "Line",
    "PlanCheck",
    "Side",
    "Statement",
    "check_plan",
    "credit_receipts",
    "make_entries",
    "make_statements",
    "worked_sides",
]
