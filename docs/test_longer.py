"""The page says what longer trainings left of the differences, and with which certainty."""

from pathlib import Path

import pytest

from docs.results.archive import Archived
from docs.results.longer import last, longer
from study.ledger.study_folder import StudyFolder
from tests.study import fake_grid
from tests.study.planning.test_horizon import finish, planned

FIGURES = {"plain": 0.75, "good": 0.734375}
"""On the test list, of every seed: the gain of 1/32 became a loss of 1/64."""


@pytest.fixture
def studies(tmp_path: Path) -> list[Archived]:
    """A grid, and its two horizons: on one seed, then on six."""
    fake_grid.ended_study(fake_grid.plan(tmp_path))
    finish(planned(tmp_path, "--name", "fake-one"), FIGURES)
    finish(planned(tmp_path, "--name", "fake-six", "--seeds", "6"), FIGURES)
    names = ("fake", "fake-one", "fake-six")
    folders = [StudyFolder(tmp_path / name) for name in names]
    return [Archived(folder, folder.load(), {}) for folder in folders]


def test_one_seed_is_no_verdict_and_six_are(studies: list[Archived]) -> None:
    one, six = longer(studies, "miou")
    assert one.words == (
        "Trained for 12 epochs instead of 4 on fake: good +3.12 becomes -1.56 "
        "(one seed, no verdict)."
    )
    assert six.words == (
        "Trained for 12 epochs instead of 4 on fake: good +3.12 becomes -1.56 (worse) "
        "(6 seeds that did not choose them)."
    )
    # fake_grid.score after 4 epochs, and 1/8 for the test list: of seed 0, and the mean of six
    assert one.sheet.rows[0] == ["`plain`", "43.75 %", "75.00 %"]
    assert six.sheet.rows[0] == ["`plain`", "51.56 %", "75.00 %"]
    assert six.sheet.rows[1] == ["`good`", "+3.12", "**worse** -1.56"]


def test_the_answer_has_the_last_of_a_dataset(studies: list[Archived]) -> None:
    (ran,) = last(studies, "miou")
    assert ran.words.endswith("(6 seeds that did not choose them).")
