"""The names of our MLflow tags, in one place: what is written here is what lineage and reuse search by."""

FLOW_RUN_ID = "prefect.flow_run_id"
FLOW_RUN_URL = "prefect.flow_run_url"
PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"

FLOW = "prefect.flow"
CONFIGURATION = "anomseer.configuration"
COMMIT = "anomseer.commit"
ERROR = "anomseer.error"

# The process that owns a run: the only one that sets its status.
OWNER_HOST = "anomseer.owner.host"
OWNER_PID = "anomseer.owner.pid"
OWNER_STARTED = "anomseer.owner.started"

STAGE = "anomseer.stage"
NAME = "anomseer.name"
ROLE = "anomseer.role"
KIND = "anomseer.artifact.kind"
KEY = "anomseer.artifact.key"
DIGEST = "anomseer.artifact.digest"
PATH = "anomseer.artifact.path"
# "true" when the stage found its artifact instead of making it; then ORIGINAL is the run that recorded it.
REUSED = "anomseer.reused"
ORIGINAL = "anomseer.original_run_id"
# "true" once a run holds the full record of its artifact; an interrupted upload never gets there.
RECORDED = "anomseer.recorded"
# Where a file above the upload limit lies: this prefix and the file's name.
LINKED_FILE = "anomseer.file."
