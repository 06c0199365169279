"""Every account followed event by event, between two whole computations.

`following` says when to score what; `state` is where every account stands, and computes a few of
them from the facts around them where counting will not do; `board` is what other threads read.
"""
