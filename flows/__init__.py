"""Prefect flows, one screen each, and the `anomseer` command that starts them."""

# Before anything loads torch or MLflow: what they read from the environment is set there.
import tasks  # noqa: F401
