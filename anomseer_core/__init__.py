"""AnomSeer's method: classify, localise and explain anomalies in time series with a vision-language policy.

This package knows neither Prefect nor MLflow; `tasks/` and `flows/` orchestrate it.
"""
