"""Diverse, a benchmark of our own: many kinds of base signals, five classes of anomalies, subtle to blatant.

Read `bases.py` (what is normal), `event.py` and the five classes (what departs from it, and how far a severity
reaches), `sample.py` (one channel) and `stream.py` (series, splits, tasks).
"""
