"""Field, series to train on that look like monitored ones: noisy, drifting, switching, bursting, long.

Read `signals.py` (what machines and people do by themselves), `faults.py` (what departs from it) and `stream.py`
(series, splits, tasks). Diverse draws clean shapes, on which every severity is known; here a reader of pictures meets
what real archives are full of and Diverse lacks: spikes that are normal, levels that switch, cycles that are never
twice the same. It is trained on, and no benchmark: what is measured is measured on real series.
"""
