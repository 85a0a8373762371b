"""`--init`: a file, or the network of an earlier study's trial."""

from pathlib import Path

import pytest

from cluster.resources import Node
from study.commands import options
from study.ledger.study_folder import StudyFolder
from study.planning.make_plan import plan_from_request
from study.planning.weights import require_same_weights
from tests.study import fake, fake_grid
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.config import TrialConfig
from trainables.config.trial_id import weights_content
from trainables.training import checkpoint


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """The state of trial 1 of the study ``fake``, whose network is 8 channels wide."""
    base = TrialConfig().changed({"epochs": fake.EPOCHS, "model/width": 8})
    plan = fake_grid.plan(tmp_path, base=base)
    fake_grid.ended_study(plan)
    folders = StudyFolder.of(plan).new_attempt()
    folder = checkpoint.folder_of(checkpoint.trial_folder(folders, 1), fake.EPOCHS)
    write_checkpoint(folder, fake.EPOCHS)
    return folder / checkpoint.STATE


def config(tmp_path: Path, *words: str) -> TrialConfig:
    request = options.parse_request(
        ["--storage", str(tmp_path), "--space", "semeda", "--grid", "table2", *words]
    )
    return plan_from_request(request, [Node(cpus=8, gpus=0)]).config


def test_a_trial_gives_its_network_and_what_kind_it_is(tmp_path: Path, trained: Path) -> None:
    found = config(tmp_path, "--init", "fake/1").model
    assert (found.init, found.network, found.width) == (str(trained.resolve()), "tiny", 8)
    assert config(tmp_path, "--set", "model/init=fake/1").model == found
    assert config(tmp_path, "--init", "fake/1", "--set", "model/width=12").model.width == 12


def test_a_file_is_taken_as_it_is(tmp_path: Path, trained: Path) -> None:
    found = config(tmp_path, "--init", str(trained)).model
    assert (found.init, found.width) == (str(trained.resolve()), TrialConfig().model.width)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere.pt", "--init must be a file, or NAME/NUMBER of a trial in"),
        ("absent/1", "--init must be a file, or NAME/NUMBER of a trial in"),
        ("fake/best", "--init must be a file, or NAME/NUMBER of a trial in"),
        ("fake/99", "--init must be one of the 12 trials of fake, got 'fake/99'"),
        ("fake/0", "missing"),
    ],
)
def test_what_is_neither_is_refused_in_one_line(
    tmp_path: Path, trained: Path, given: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        config(tmp_path, "--init", given)
    assert "\n" not in str(refused.value)


def test_a_network_that_the_study_has_removed_is_named(tmp_path: Path, trained: Path) -> None:
    trained.unlink()
    with pytest.raises(ValueError, match=r"state\.pt is gone: a study keeps its best networks"):
        config(tmp_path, "--init", "fake/1")


def test_a_study_is_not_resumed_from_another_file(trained: Path) -> None:
    before = {str(trained): weights_content(str(trained))}
    require_same_weights("--resume", before)
    trained.write_bytes(b"other")
    with pytest.raises(ValueError, match="initial weights: --resume needs"):
        require_same_weights("--resume", before)
