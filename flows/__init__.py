"""Prefect flows, one screen each, and the `anomseer` command that starts them."""
