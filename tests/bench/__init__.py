"""Benchmarks: one file for each, started by `python -m tests.bench WHAT`; each prints JSON objects, one a line."""
