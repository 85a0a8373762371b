"""Files of weights are opened before a study, and must not change before it is resumed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from optuna.distributions import CategoricalDistribution

from cluster.resources import Node
from search_spaces import SPACES, Cell, Dimension, Grid
from study.commands import options
from study.ledger.events import Planned
from study.ledger.ledger import Ledger
from study.ledger.provenance import Provenance
from study.ledger.study_folder import StudyFolder
from study.planning import weights
from study.planning.make_plan import plan_from_request
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused
from trainables.config import TrialConfig, Value

SPACE = SPACES["inverseform"]


def test_every_file_of_weights_is_opened_before_the_study(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.pth", tmp_path / "good.pth"
    bad.write_bytes(b"")
    torch.save({"a": torch.zeros(1)}, good)
    cells = (
        Cell(name="plain", changes={"model/network": "fpn"}),
        Cell(name="other", changes={"model/network": "fpn", "model/weights": str(bad)}),
    )
    grid = Grid(name="g", question="?", source="-", baseline="plain", cells=cells)
    plan = fake_grid.plan(tmp_path, grid)
    with pytest.raises(ValueError, match=r"bad.pth is not a weights file: it is empty"):
        weights.check_weights(plan, SPACE)
    choices = CategoricalDistribution(["none", str(good), str(bad)])
    space = replace(
        SPACE, dimensions=(Dimension(path="model/weights", distribution=choices, why="-"),)
    )
    with pytest.raises(ValueError, match=r"bad.pth is not a weights file"):
        weights.check_weights(fake.plan(tmp_path), space)


def test_weights_for_a_network_without_a_backbone_are_refused(tmp_path: Path) -> None:
    base = TrialConfig().changed({"model/weights": "imagenet"})
    with pytest.raises(ValueError, match="model/weights must be none with the network tiny"):
        weights.check_weights(fake.plan(tmp_path, base=base), SPACE)


def begun(tmp_path: Path) -> Path:
    """A study that starts from a file of weights, and has one complete trial; returns the file."""
    file = tmp_path / "weights.pth"
    torch.save({"a": torch.zeros(1)}, file)
    small = {f"data/{part}_images": 1 for part in ("train", "val", "test")}
    named: dict[str, Value] = {"model/network": "fpn", "model/weights": str(file), **small}
    plan = fake.plan(tmp_path, base=fake.plan(tmp_path).config.changed(named))
    ledger = Ledger(StudyFolder.of(plan).ledger)
    facts = Provenance(commit=None, dirty=None)
    contents = weights.contents(plan, SPACE)
    ledger.append(Planned(plan=plan, data=fake.DATA, provenance=facts, weights=contents))
    fake.complete(ledger, plan, 0)
    ledger.close()
    return file


@pytest.mark.parametrize(("flag", "name"), [("--resume", "fake"), ("--replay", "fake/0")])
def test_other_weights_under_the_same_name_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, flag: str, name: str
) -> None:
    """Trials that had not started ran with the new weights, beside those of the old ones."""
    file = begun(tmp_path)
    before = weights.weights_content(str(file))
    torch.save({"a": torch.ones(1)}, file)
    line = refused(capsys, tmp_path / "elsewhere", flag, name, "--storage", str(tmp_path))
    after = weights.weights_content(str(file))
    assert f"{flag} needs {file} as the first run had it: {before}, got {after}" in line
    file.unlink()
    line = refused(capsys, tmp_path / "elsewhere", flag, name, "--storage", str(tmp_path))
    assert "got no file that can be read" in line


def test_the_same_weights_are_accepted_wherever_their_dates_lie(tmp_path: Path) -> None:
    file = begun(tmp_path)
    file.write_bytes(file.read_bytes())
    planned = StudyFolder(tmp_path / "fake").load().planned
    assert planned is not None
    weights.require_same_weights("--resume", planned.weights)
    given = options.parse_request(["--replay", "fake/0", "--storage", str(tmp_path)])
    plan_from_request(given, [Node(cpus=4, gpus=0)])


def test_a_study_without_such_files_has_the_ledger_that_it_had(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    fake.begin(plan)
    first = json.loads(StudyFolder.of(plan).ledger.read_text().splitlines()[0])
    assert "weights" not in first
    assert weights.contents(plan, SPACE) == {}
