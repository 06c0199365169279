"""The learner's benchmark runs, on rows that say nothing of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks import learning
from groundswell.scoring.learning.examples import Examples


def test_every_learner_and_the_curve(monkeypatch, capsys):
    rng = np.random.default_rng(0)
    rows = 600
    euribor, campaign = rng.normal(size=(2, rows))
    features = pl.DataFrame(
        {
            "euribor3m": euribor,
            "campaign": campaign,
            "contact": rng.choice(["cellular", "telephone"], rows),
        }
    )
    label = rng.random(rows) < 1 / (1 + np.exp(euribor))
    examples = Examples(features, label, np.arange(rows), np.ones(rows), np.arange(rows) * 1.0)
    monkeypatch.setattr(learning, "UNSEEN", 300)
    monkeypatch.setattr(learning, "_DRAWS", 2)
    learning.learning_curve(examples, counts=[20])
    head, line = capsys.readouterr().out.strip().splitlines()
    assert "scikit-learn" in head
    figures = [float(word) for word in line.split()[1::3]]
    assert len(figures) == 5
    assert min(figures) > 0.55
