"""Benchmarks: `python -m infra.bench` runs all of them, `python -m infra.bench NAME ...` the named ones."""
