"""CUDA MPS of the launch files, with programs that stand in for NVIDIA's."""

import os
import subprocess
from pathlib import Path

import pytest

from cluster import render
from cluster.render import LAUNCH

SCRIPT = LAUNCH / "with-mps.sh"


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def beside(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside MPS, with the programs of this folder."""
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(
        ["sh", SCRIPT, "sh", "-c", command], env=environment, capture_output=True, text=True
    )


def log(folder: Path) -> list[str]:
    path = folder / "log"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def nvidia(tmp_path: Path) -> Path:
    """A folder with NVIDIA's programs, which note what they are told."""
    log = tmp_path / "log"
    program(tmp_path, "nvidia-smi", "echo 'GPU 0: NVIDIA H100'")
    program(
        tmp_path,
        "nvidia-cuda-mps-control",
        f'[ "$1" = -d ] && echo "started $CUDA_MPS_PIPE_DIRECTORY" >>{log} || cat >>{log}',
    )
    return tmp_path


def test_the_daemon_lives_as_long_as_the_command(nvidia: Path) -> None:
    done = beside(nvidia, 'cd "$CUDA_MPS_LOG_DIRECTORY"; echo "$CUDA_MPS_PIPE_DIRECTORY"; exit 3')
    pipe = done.stdout.strip()
    assert done.returncode == 3, "the command's own code"
    assert log(nvidia) == [f"started {pipe}", "quit"]
    assert not Path(pipe).parent.exists()
    assert len(pipe) < 60, "sockets in it have names of at most 107 letters"


def test_mig_slices_and_machines_without_mps_run_the_command_alone(nvidia: Path) -> None:
    program(nvidia, "nvidia-smi", "echo '  MIG 1g.10gb Device 0: (UUID: MIG-c6d4)'")
    done = beside(nvidia, 'echo "${CUDA_MPS_PIPE_DIRECTORY-none}"')
    assert (done.stdout, done.returncode) == ("none\n", 0)
    assert "no MPS on MIG slices" in done.stderr
    os.remove(nvidia / "nvidia-cuda-mps-control")
    assert "lanes take turns" in beside(nvidia, "true").stderr
    assert not log(nvidia)


@pytest.mark.parametrize("mps", [True, False])
def test_launch_files_start_it_where_requested(
    capsys: pytest.CaptureFixture[str], mps: bool
) -> None:
    option = ["--mps"] if mps else []
    assert render.main(["slurm", "--space", "region", "--gpus", "1", *option]) == 0
    script = capsys.readouterr().out
    assert ("\nMPS=(sh cluster/launch/with-mps.sh) " in script) == mps
    assert ("\nMPS=() " in script) != mps
    assert render.main(["kuberay", "--space", "region", *option]) == (2 if mps else 0)
    capsys.readouterr()
    for provider in ("aws", "gcp", "on-premise"):
        given = ["ray-up", "--space", "region", "--gpus", "1", "--provider", provider, *option]
        assert render.main(given) == 0
        assert f"-e EDGEWISE_MPS={'on' if mps else 'off'}" in capsys.readouterr().out
