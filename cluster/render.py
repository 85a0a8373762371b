"""Print a launch file for one study: `python cluster/render.py slurm --space region ...`.

The files in `cluster/launch` are complete, with the values of an example. A line that ends in
`# <- name` has a value that is replaced here; every other line is printed unchanged.
"""

import argparse
import json
import math
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

if __name__ == "__main__":
    # Python puts the script's folder, cluster/, first on the path, unless it runs with -P; the
    # packages are one level up.
    if not sys.flags.safe_path:
        del sys.path[0]
    # PYTHONPATH may name this folder: its files must not shadow Python's library.
    sys.path.sort(key=str(Path.cwd()).__eq__)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cluster.marked_file import fill
from cluster.one_line_parser import OneLineParser
from cluster.resources import LaneRequest, Node, workers_on
from cluster.safe_text import has_control_characters, without_passwords
from cluster.validation import require
from search_spaces import SPACES

ROOT = Path(__file__).resolve().parents[1]
LAUNCH = ROOT / "cluster" / "launch"
_WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_ALLOWED = {
    "space": (r"[a-z][a-z0-9_]*", "region"),
    "name": (r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", "region-2"),
    "storage": (rf"(/{_WORD})+", "/mnt/shared/runs"),
    "code": (rf"(/{_WORD})+", "/mnt/shared/edgewise"),
    "image": (
        r"[a-z0-9][\w.:/-]*(@sha256:[0-9a-f]{64})?",
        "registry.example.com/edgewise:cuda@sha256:, then 64 hex digits",
    ),
    "tracking_uri": (
        r"(https?://[\w.:-]+(/[\w./-]*)?)|(sqlite:////[\w./-]+)",
        "http://mlflow:5000",
    ),
    "time": (r"(\d+-)?\d{1,2}:\d\d:\d\d", "04:00:00 or 1-12:00:00"),
    "head_ip": (_WORD, "192.168.1.10"),
}
"""A pattern and an example for each value. Strict, because values end up in shell commands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the file. The exit code is 0, or 2 after one line about a value that is not allowed."""
    given = parse_arguments(arguments)
    try:
        text = render(given)
    except ValueError as error:
        print(f"cluster/render.py: {error}", file=sys.stderr)
        return 2
    if given.launcher != "slurm" and "@" not in given.image:
        print(f"cluster/render.py: warning: {_undated(given.image)}", file=sys.stderr)
    print(text, end="")
    return 0


def _undated(image: str) -> str:
    return (
        f"--image {image} is a tag, which may name another image tomorrow; name it by its digest, "
        f"as printed by: docker buildx imagetools inspect {image}"
    )


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = OneLineParser(prog="cluster/render.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("launcher", choices=("slurm", "kuberay", "ray-up"))
    parser.add_argument("--space", required=True)
    parser.add_argument("--workers", type=int, default=1, help="ranks per trial")
    parser.add_argument("--gpus", type=float, default=0, help="per worker; may be a fraction")
    parser.add_argument("--cpus", type=int, default=1, help="per worker")
    parser.add_argument("--lanes", type=int, default=1, help="trials at once, at most")
    parser.add_argument(
        "--node-gpus", type=int, help="per machine; default: as many as one worker needs"
    )
    parser.add_argument("--node-cpus", type=int, default=8, help="per machine")
    parser.add_argument("--node-memory", type=int, default=32, help="per machine, GiB")
    parser.add_argument("--name", help="the study's name; default: the space")
    parser.add_argument(
        "--storage", default="/mnt/shared/runs", help="a folder that all machines share"
    )
    parser.add_argument("--code", default="/mnt/shared/edgewise", help="slurm: the checkout")
    parser.add_argument("--tracking-uri", default="http://mlflow:5000")
    parser.add_argument(
        "--image",
        default="registry.example.com/edgewise:cuda",
        help="kuberay, ray-up: NAME@sha256:DIGEST; a tag alone may change",
    )
    parser.add_argument("--time", default="04:00:00", help="slurm: time limit of one job")
    parser.add_argument("--provider", choices=("aws", "gcp", "on-premise"), default="aws")
    parser.add_argument("--head-ip", default="192.168.1.10", help="on-premise")
    parser.add_argument("--worker-ips", default="192.168.1.11,192.168.1.12", help="on-premise")
    parser.add_argument("--spot", action="store_true", help="aws, gcp: cheaper, may be preempted")
    parser.add_argument(
        "--mps", action="store_true", help="slurm, ray-up: start CUDA MPS, for lanes that share"
    )
    parser.epilog = "After `--`: more options of study/run.py."
    # Split by hand: argparse would read what follows "--" as positional arguments.
    words = list(sys.argv[1:] if arguments is None else arguments)
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:end])
    given.options = words[end + 1 :]
    return given


def render(given: argparse.Namespace) -> str:
    """The launch file for these options.

    Raises:
        ValueError: a value that is not allowed, or workers that no machine can hold.
    """
    given.name = given.name or given.space.replace("_", "-")
    for name, (allowed, like) in _ALLOWED.items():
        value, flag = getattr(given, name), name.replace("_", "-")
        require(
            re.fullmatch(allowed, value) is not None,
            f"--{flag}",
            f"like {like}",
            without_passwords(value),
        )
    texts = {f"--{name}": str(value) for name, value in vars(given).items() if name != "options"}
    for flag, value in [*texts.items(), *(("--", word) for word in given.options)]:
        allowed = "one line without control characters"
        require(not has_control_characters(value), flag, allowed, value)
    for word in given.options:
        shown = without_passwords(word)
        allowed = "without a password, which would be written into the file"
        require(shown == word, "--", allowed, shown)
    if "--with" not in given.options and given.space not in SPACES:
        raise ValueError(
            f"--space must be one of {', '.join(sorted(SPACES))}, got {given.space!r}; "
            f"one of your own needs `-- --with FILE.py`"
        )
    if given.mps and given.launcher == "kuberay":
        raise ValueError("--mps goes with slurm and ray-up: on Kubernetes the device plugin shares")
    values = values_of(given)
    match given.launcher:
        case "slurm":
            return fill(LAUNCH / "study.sbatch", values, _shell)
        case "kuberay":
            return fill(LAUNCH / "rayjob.yaml", values, json.dumps)
        case _:
            return _ray_up_help(given, values) + fill(
                LAUNCH / f"{given.provider}.yaml", values, json.dumps
            )


def _shell(value: object) -> str:
    """A shell word, or an array of words."""
    if isinstance(value, list):
        # An array keeps words with spaces apart; study.sbatch expands it with "${OPTIONS[@]}".
        return f"({' '.join(shlex.quote(str(word)) for word in value)})"
    return shlex.quote(str(value))


def _options(given: argparse.Namespace) -> list[str]:
    """The study's options, except for its name, storage and tracking server."""
    options = {
        "--space": given.space,
        "--workers": str(given.workers),
        "--lanes": str(given.lanes),
        "--cpus-per-worker": str(given.cpus),
        "--gpus-per-worker": f"{given.gpus:g}",
    }
    return [*(word for option in options.items() for word in option), *given.options]


def _machines(given: argparse.Namespace) -> int:
    """How many machines are needed for all lanes."""
    for name in ("lanes", "node_cpus", "node_memory"):
        value = getattr(given, name)
        require(value >= 1, f"--{name.replace('_', '-')}", ">= 1", value)
    request = LaneRequest(given.workers, given.cpus, given.gpus)
    if given.node_gpus is None:
        given.node_gpus = max(math.ceil(given.gpus), 1) if given.gpus else 0
    room = workers_on(Node(given.node_cpus, given.node_gpus), request)
    if room < 1:
        raise ValueError(
            f"--cpus and --gpus must fit on one machine of {given.node_cpus} CPU and "
            f"{given.node_gpus} GPU, got {given.cpus} and {given.gpus:g}"
        )
    return math.ceil(given.lanes * given.workers / room)


def values_of(given: argparse.Namespace) -> dict[str, object]:
    """The value of each mark; None removes its line."""
    machines, options = _machines(given), _options(given)
    may_join = json.dumps([{"CPU": given.node_cpus, "GPU": given.node_gpus, "max": machines}])
    gpus = {"nvidia.com/gpu": str(given.node_gpus)} if given.node_gpus else {}
    size = {"cpu": str(given.node_cpus), "memory": f"{given.node_memory}Gi"}
    script = ["sh", "cluster/launch/start-or-resume.sh"]
    addresses = given.worker_ips.split(",")
    for address in addresses:
        is_address = re.fullmatch(_WORD, address) is not None
        require(is_address, "--worker-ips", "addresses with commas", address)
    return {
        "name": given.name.replace("-", "_") if given.launcher == "ray-up" else given.name,
        "storage": given.storage,
        "tracking_uri": given.tracking_uri,
        "code": given.code,
        "time": given.time,
        "image": given.image,
        "options": options,
        "machines": machines,
        "mps": ["sh", "cluster/launch/with-mps.sh"] if given.mps else [],
        "mps_option": f"-e EDGEWISE_MPS={'on' if given.mps else 'off'}",
        "node_cpus": given.node_cpus,
        "node_gpus": given.node_gpus or None,
        "node_resources": {"CPU": given.node_cpus, "GPU": given.node_gpus},
        "may_join": may_join,
        "may_join_option": f"-e EDGEWISE_MAY_JOIN={shlex.quote(may_join)}",
        "worker_requests": size,
        "worker_limits": {**size, **gpus},
        "ray_version": version("ray"),
        "head_ip": given.head_ip,
        "worker_ips": addresses,
        "market": {"MarketType": "spot"} if given.spot else None,
        "scheduling": [
            {"provisioningModel": "SPOT" if given.spot else "STANDARD"},
            {"onHostMaintenance": "TERMINATE"},
        ],
        "entrypoint": shlex.join(
            [*script, given.name, given.storage, given.tracking_uri, *options]
        ),
    }


def _ray_up_help(given: argparse.Namespace, values: Mapping[str, object]) -> str:
    """How to start the study, as a comment: `ray up` starts only the cluster."""
    return (
        f"# ray up FILE, then in another terminal: ray dashboard FILE, then here:\n"
        f"#   RAY_AUTH_MODE=token ray job submit --address http://127.0.0.1:8265 "
        f"--submission-id {given.name} --working-dir . -- {values['entrypoint']}\n"
        f"# and at the end: ray down FILE\n"
    )


if __name__ == "__main__":
    sys.exit(main())
