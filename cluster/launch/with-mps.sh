#!/bin/sh
# Run a command beside a CUDA MPS daemon of this user: sh cluster/launch/with-mps.sh COMMAND ...
# With it, kernels of several lanes run at once on one GPU; without it they take turns.
set -eu

if ! command -v nvidia-cuda-mps-control >/dev/null; then
    echo "with-mps: nvidia-cuda-mps-control is not here: lanes take turns" >&2
    exec "$@"
fi
if nvidia-smi -L 2>/dev/null | grep -q MIG; then
    echo "with-mps: no MPS on MIG slices: each is a GPU of its own" >&2
    exec "$@"
fi

folder=$(mktemp -d /tmp/edgewise-mps.XXXXXX) # a short path: its sockets allow no long one
export CUDA_MPS_PIPE_DIRECTORY="$folder/pipe" CUDA_MPS_LOG_DIRECTORY="$folder/log"
mkdir "$CUDA_MPS_PIPE_DIRECTORY" "$CUDA_MPS_LOG_DIRECTORY"
end() {
    echo quit | nvidia-cuda-mps-control >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 143' TERM INT # EXIT then ends the daemon

nvidia-cuda-mps-control -d || echo "with-mps: the daemon did not start: lanes take turns" >&2
"$@"
