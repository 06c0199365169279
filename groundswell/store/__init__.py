"""Where things are kept: the warehouse (what happened), the ledger (what was decided), and reading."""
