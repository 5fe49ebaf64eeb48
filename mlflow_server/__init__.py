"""Starts and configures the MLflow tracking server.

The default is one machine: SQLite in `ANOMSEER_HOME/mlflow/mlflow.db`, artifacts in the folder beside it, and clients
that read and write that folder themselves, so that runs logged without a server and runs logged through it are the
same runs. Beyond one machine (`config.py` describes every field):

    MLFLOW_BACKEND_STORE_URI=postgresql://user:password@host/mlflow \\
        python -m mlflow_server --artifacts s3://bucket/path --artifact-access proxied \\
        --host 0.0.0.0 --allowed-hosts tracking.example.org --workers 4

with `pip install psycopg2-binary boto3` on the server; its clients need neither, nor the store's credentials.
"""
