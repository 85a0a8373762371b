"""Images are named by their digest, and hold what the lock has."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from cluster import render
from tests.conftest import ROOT

LAUNCH = ROOT / "cluster" / "launch"
ARGUMENTS = ("--space", "region", "--gpus", "1")


@pytest.mark.parametrize("launcher", ["kuberay", "ray-up"])
def test_an_image_is_named_by_its_digest_or_warned_about(
    capsys: pytest.CaptureFixture[str], launcher: str
) -> None:
    image = f"registry.example.com/edgewise:cuda@sha256:{'0a' * 32}"
    assert render.main([launcher, *ARGUMENTS, "--image", image]) == 0
    shown = capsys.readouterr()
    assert f"image: {json.dumps(image)}" in shown.out
    assert not shown.err
    assert render.main([launcher, *ARGUMENTS, "--image", "edgewise:cuda"]) == 0
    shown = capsys.readouterr()
    assert 'image: "edgewise:cuda"' in shown.out
    [line] = shown.err.splitlines()
    assert "warning: --image edgewise:cuda is a tag" in line
    assert "imagetools inspect edgewise:cuda" in line


def test_the_cpu_image_takes_all_but_torch_from_the_lock(tmp_path: Path) -> None:
    """The Dockerfile's own commands, with a `pip` that prints what it reads."""
    script = (LAUNCH / "Dockerfile").read_text().replace("\\\n", " ")
    [command] = re.findall(r"^RUN (lock=.*)$", script, re.MULTILINE)
    command = command.replace("/tmp/requirements.txt", f"{tmp_path}/left.txt")
    pip = tmp_path / "pip"
    pip.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$@" in *stdin) cat >&2;; esac\n'
    )
    pip.chmod(0o755)
    (tmp_path / "chown").symlink_to("/bin/true")
    locked = re.findall(r"^([a-z0-9-]+)==", (LAUNCH / "requirements.txt").read_text(), re.MULTILINE)
    for torch in ("cpu", "cuda"):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TORCH": torch, "CPU_INDEX": "url"},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        left = re.findall(r"^([a-z0-9-]+)==", (tmp_path / "left.txt").read_text(), re.MULTILINE)
        apart = set(locked) - set(left)
        if torch == "cuda":
            assert left == locked
            continue
        assert {"torch", "torchvision", "triton"} <= apart
        assert {name.split("-")[0] for name in apart} == {
            *("torch", "torchvision", "triton", "nvidia", "cuda")
        }
        assert re.fullmatch(r"torch==[\d.]+\ntorchvision==[\d.]+\n", done.stderr)
