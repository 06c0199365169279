"""Measuring a project: tables of what is known by a day, reports, and what they are made of."""
