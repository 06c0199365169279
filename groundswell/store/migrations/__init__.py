"""How the tables of the ledger came to be, one revision after another; run when it is opened."""
