"""A grid on a real Ray: killed and resumed it ends the same; more seeds run only the new ones."""

from pathlib import Path

import pytest

from study.analysis import tables
from study.analysis.lost_classes import lost_classes
from study.analysis.results import AblationResults
from study.ledger.ledger import read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.reporting import table_files
from tests.chaos.victims import run_until_killed
from tests.study.execution.test_main_job import SMALL, command, run
from tests.study.ledger.test_ledger import content

pytestmark = [pytest.mark.ray, pytest.mark.timeout(400)]

MINE = """
mode: add_one
factors:
  lovasz: {loss/lovasz: 1.0}
  ar: {loss/ar: 0.1}
  wild: {optim/lr: 1.0e+30}
"""


def grid(storage: Path, name: str, seeds: int, *extra: str) -> list[str]:
    file = storage / "mine.yaml"
    file.write_text(MINE)
    sizes = [word for change in SMALL for word in ("--set", change)]
    sizes += ["--set", "loss/lambda_2=0.5", "--set", "edge_net/steps=20"]  # all share a stage
    options = ("--grid", str(file), "--seeds", str(seeds), "--epochs", "2", "--name", name)
    return command(storage, *options, *sizes, *extra)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grid-job")


@pytest.fixture(scope="module")
def ended_study(storage: Path) -> StudyRecord:
    output = run(grid(storage, "ended", 2))
    for words in (
        "2 seeds can never be significant",
        "+lovasz",
        "paired by seed",
        "+wild",
        "undecided",
    ):
        assert words in output
    return StudyFolder(storage / "ended").load()


def test_every_complete_trial_is_tested_and_a_failed_cell_is_counted(
    storage: Path, ended_study: StudyRecord
) -> None:
    assert ended_study.ended
    pairs = {(trial.cell, trial.seed): trial for trial in ended_study.trials.values()}
    assert set(pairs) == {
        (cell, seed) for cell in ("none", "+lovasz", "+ar", "+wild") for seed in (0, 1)
    }
    for (cell, _), trial in pairs.items():
        assert trial.state == ("failed" if cell == "+wild" else "complete")
        assert (trial.tested is not None) == (cell != "+wild")
    table = tables.metric_tables(ended_study)[0]
    rows = {row.cell.name: row for row in table.rows}
    assert table.split == "test"
    wild = rows["+wild"]
    assert (wild.diverged + wild.failed, len(wild.values)) == (2, 0)
    assert len(rows["+lovasz"].values) == 2
    folder = StudyFolder(storage / "ended")
    files = table_files.files(AblationResults(ended_study), lost_classes(ended_study, folder))
    assert (folder.report / "table.md").read_text() == files["table.md"]


def test_eight_trials_that_share_a_stage_train_it_once(
    storage: Path, ended_study: StudyRecord
) -> None:
    """Two lanes need the stage at the same time; no epoch is written before it."""
    assert len(ended_study.trials) == 8
    (names,) = {trial.stages for trial in ended_study.trials.values()}
    assert [f"{stage.kind}-{stage.key}" for stage in ended_study.stages] == list(names)
    assert not ended_study.stages[0].reused
    events = [event["event"] for event in read(StudyFolder(storage / "ended").ledger)[0]]
    assert events.index("stage") < events.index("epoch")


@pytest.mark.slow
def test_killed_and_resumed_it_gives_the_same_table(
    storage: Path, ended_study: StudyRecord
) -> None:
    ledger = StudyFolder(storage / "cut").ledger
    run_until_killed(grid(storage, "cut", 2, "--fresh"), ledger, ("driver", "finished", 1))
    run(command(storage, "--resume", "cut"))
    record = StudyFolder(storage / "cut").load()
    assert content(record) == content(ended_study)
    events = [event["event"] for event in read(ledger)[0]]
    assert (events.count("started"), events.count("tested")) == (8, 6)
    ours, theirs = (
        table_files.comma_separated(AblationResults(each)) for each in (record, ended_study)
    )
    assert ours == theirs


@pytest.mark.slow
def test_more_seeds_run_only_the_new_ones(storage: Path, ended_study: StudyRecord) -> None:
    output = run(grid(storage, "more", 3))
    assert "6 trials do not run again but are reused from" in output
    record = StudyFolder(storage / "more").load()
    reused = {(trial.cell, trial.seed) for trial in record.trials.values() if trial.reused}
    assert reused == {(cell, seed) for cell in ("none", "+lovasz", "+ar") for seed in (0, 1)}
    assert len(record.in_state("complete")) == 9
    assert all(trial.tested for trial in record.in_state("complete"))
    assert (storage / "more" / "counts").is_dir()
