"""Groundswell: product events in, explained product-qualified leads out."""
