"""Forgetting a person: what is known of them, erased but for what accounts are counted by."""
