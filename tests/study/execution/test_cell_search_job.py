"""Per-cell search on a real Ray: killed in either part and resumed, a study ends the same."""

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
"""Trials: two cells with two trials each, then the same cells on two seeds."""


def cell_search(storage: Path, name: str) -> list[str]:
    sizes = [word for change in SMALL for word in ("--set", change)]
    options = (
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
    return command(storage, *options, *sizes)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cell-search-job")


@pytest.fixture(scope="module")
def ended_study(storage: Path) -> StudyRecord:
    output = run(cell_search(storage, "ended"))
    for words in ("own search", "all per-cell searches have ended", "paired by seed", "optim/lr"):
        assert words in output
    return StudyFolder(storage / "ended").load()


def test_search_and_comparison_run_in_one_study(ended_study: StudyRecord) -> None:
    assert ended_study.ended
    phases = [trial.phase for trial in ended_study.trials.values()]
    assert (phases.count("search"), phases.count("")) == (SEARCHED, COMPARED)
    tested = {number for number, trial in ended_study.trials.items() if trial.tested}
    assert tested == set(ended_study.compared().trials)
    by_phase = {
        phase: {trial.lane for trial in ended_study.trials.values() if trial.phase == phase}
        for phase in ("search", "")
    }
    assert by_phase["search"] & by_phase[""], "a lane stays warm between the two"


@pytest.mark.parametrize("finished", [2, SEARCHED + 1])
def test_killed_in_either_part_and_resumed_it_ends_the_same(
    storage: Path, ended_study: StudyRecord, finished: int
) -> None:
    name = f"cut-{finished}"
    run_until_killed(
        cell_search(storage, name),
        StudyFolder(storage / name).ledger,
        ("driver", "finished", finished),
    )
    run(command(storage, "--resume", name))
    record = StudyFolder(storage / name).load()
    assert content(record) == content(ended_study)
    assert record.chosen == ended_study.chosen
    ours, theirs = (
        table_files.comma_separated(AblationResults(each)) for each in (record, ended_study)
    )
    assert ours == theirs
    events = [event["event"] for event in read(StudyFolder(storage / name).ledger)[0]]
    assert (events.count("started"), events.count("chosen")) == (SEARCHED + COMPARED, 1)
