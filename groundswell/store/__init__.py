"""Where things are kept: what happened (warehouse), what was decided (ledger), and reading."""
