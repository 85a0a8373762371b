#!/bin/sh
# start-or-resume.sh NAME STORAGE TRACKING_URI [OPTIONS OF study/run.py]
# Starts the study NAME, or resumes it if an earlier attempt was interrupted. Launchers that retry
# (Slurm's requeue, KubeRay's backoffLimit) call it. A study that was killed in its very first write
# has no complete line in its ledger, and starts again.
set -eu
name=$1 storage=$2 tracking=$3
shift 3
ledger=$storage/$name/ledger.jsonl
if [ -f "$ledger" ] && [ "$(wc -l < "$ledger")" -gt 0 ]; then
    set -- --resume "$name"
else
    set -- --name "$name" "$@"
fi
echo $$ > "${EDGEWISE_PID_FILE:-/dev/null}" # the process to signal when time is up
exec python -u study/run.py --storage "$storage" --tracking-uri "$tracking" "$@"
