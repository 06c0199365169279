"""Every account followed event by event, between two whole computations.

`following` says when to score what. `state` takes in what came and scores what it touched: it
counts on from `base`, and where counting will not do, `near` computes a few accounts from the facts
around them. `board` is where everybody stands, for other threads to read.
"""
