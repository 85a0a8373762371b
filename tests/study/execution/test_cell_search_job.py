"""Searched cells for real: killed in either part and resumed, a study ends as one that was not."""

from pathlib import Path

import pytest

from study.analysis.results import AblationResults
from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting import table_files
from tests.chaos.victims import run_until_killed
from tests.study.execution.test_main_job import SMALL, command, run
from tests.study.ledger.test_ledger import content

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

SEARCHED, COMPARED = 4, 4
"""Two cells of two trials each, then on two seeds."""


def arms(storage: Path, name: str) -> list[str]:
    sizes = [word for change in SMALL for word in ("--set", change)]
    asked = (
        "--space",
        "all_losses",
        "--cells",
        "lovasz",
        "--trials",
        "2",
        "--seeds",
        "2",
        "--epochs",
        "2",
        "--sampler",
        "random",
        "--name",
        name,
        "--fresh",
    )
    return command(storage, *asked, *sizes)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arms-job")


@pytest.fixture(scope="module")
def whole(storage: Path) -> StudyRecord:
    shown = run(arms(storage, "whole"))
    for words in ("own search", "all per-cell searches have ended", "paired by seed", "optim/lr"):
        assert words in shown
    return StudyFolder(storage / "whole").load()


def test_both_parts_run_in_one_study(whole: StudyRecord) -> None:
    assert whole.ended
    phases = [trial.phase for trial in whole.trials.values()]
    assert (phases.count("search"), phases.count("")) == (SEARCHED, COMPARED)
    tested = {n for n, trial in whole.trials.items() if trial.tested}
    assert tested == set(whole.compared().trials)


@pytest.mark.parametrize("finished", [2, SEARCHED + 1])
def test_killed_in_either_part_and_resumed_it_is_the_same(
    storage: Path, whole: StudyRecord, finished: int
) -> None:
    name = f"cut-{finished}"
    run_until_killed(
        arms(storage, name), StudyFolder(storage / name).ledger, ("driver", "finished", finished)
    )
    run(command(storage, "--resume", name))
    record = StudyFolder(storage / name).load()
    assert content(record) == content(whole)
    assert record.chosen == whole.chosen
    ours, theirs = (table_files.comma_separated(AblationResults(one)) for one in (record, whole))
    assert ours == theirs
    events = [event["event"] for event in read(StudyFolder(storage / name).ledger)[0]]
    assert (events.count("started"), events.count("chosen")) == (SEARCHED + COMPARED, 1)
