"""Payments that no rule fires for, decided a batch at a time by one compiled walk: most of them.

`scorer.decide` says what a decision is. Here a payment is decided only if it can be shown, cheaply
and on the safe side, that `decide` would fire no rule; all others are left to it. A test holds
both to the same payments, states and bytes.
"""
