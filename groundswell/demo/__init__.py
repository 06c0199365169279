"""The demo company: a generator with a seed and a documented truth.

See docs/concepts/demo-company.md for what is in it.
"""

from groundswell.demo.company import END, DemoCompany, generate

__all__ = ["END", "DemoCompany", "generate"]
