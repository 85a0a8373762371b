#!/bin/sh
# start-or-resume.sh NAME STORAGE TRACKING_URI [OPTIONS OF study/run.py]
# Begins the study NAME, or goes on with it where an earlier try was cut off: what a launcher that
# tries again (Slurm's requeue, KubeRay's backoffLimit) should call. One that was killed in its very
# first write has no line in its ledger, and begins again.
set -eu
name=$1 storage=$2 tracking=$3
shift 3
ledger=$storage/$name/ledger.jsonl
if [ -f "$ledger" ] && [ "$(wc -l < "$ledger")" -gt 0 ]; then
    set -- --resume "$name"
else
    set -- --name "$name" "$@"
fi
echo $$ > "${EDGEWISE_PID_FILE:-/dev/null}" # whom to tell that time is up
exec python -u study/run.py --storage "$storage" --tracking-uri "$tracking" "$@"
