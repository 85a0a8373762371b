"""``eval/both_checkpoints``: the networks of the best and of the last epoch are both tested; which
of them the verdict rests on is fixed beforehand."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.analysis.networks import others_due
from study.analysis.results import AblationResults, results_of
from study.execution.checkpoints import CheckpointRemover
from study.ledger.events import EpochEnded, Finished, OtherTested, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning.disk import disk_need
from study.planning.evaluation_checks import check_evaluation
from study.planning.runs import grid_runs
from study.reporting.terminal.event_lines import event_line
from study.search import reuse
from tests.study import fake, fake_grid
from tests.study.execution.test_untested import flip, measured
from tests.study.execution.test_untested import no_cluster as no_cluster
from tests.study.search.test_reuse_in_grids import more_seeds
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.config import TrialConfig

CURVE = (0.25, 0.75, 0.5, 0.375)
"""Of validation mIoU by epoch: the second is the best."""


def both(plan: Plan, mode: str = "last") -> Plan:
    base = {**plan.base, "eval/checkpoint": mode, "eval/both_checkpoints": True}
    return replace(plan, base=base)


def run_all(plan: Plan, ledger: Ledger) -> None:
    """Every run of a grid: four epochs, each with its checkpoint."""
    for run in grid_runs(plan):
        fake_grid.start(ledger, run)
        for number, value in enumerate(CURVE, start=1):
            folder = StudyFolder.of(plan).tune / "attempt-1" / f"trial-{run.number:04d}"
            write_checkpoint(folder / f"checkpoint_{number:06d}", number)
            metrics = {"miou": value + fake_grid.EFFECT[run.cell]}
            ledger.append(
                EpochEnded(
                    trial=run.number, epoch=number, metrics=metrics, lane="lane", seconds=1.0
                )
            )
        ledger.append(Finished(trial=run.number, state="complete"))


def begun(plan: Plan) -> Ledger:
    ledger = fake.begin(plan)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))
    run_all(plan, ledger)
    return ledger


def epochs_on_disk(plan: Plan) -> set[tuple[int, ...]]:
    folders = StudyFolder.of(plan).tune.glob("*/trial-*")
    states = [sorted(int(path.parent.name[-6:]) for path in f.glob("*/state.pt")) for f in folders]
    return {tuple(epochs) for epochs in states}


def write_tests(ledger: Ledger, plan: Plan, mode: str) -> None:
    """Write the tests: 1/2 of the best network, 1/4 of the last, and the cell's effect."""
    for trial in ledger.record.in_state("complete"):
        effect = fake_grid.EFFECT[trial.cell] * (1 if mode == "last" else -1)
        figures = {"last": 0.25 + effect + trial.seed / 64, "best": 0.5 - effect + trial.seed / 64}
        other = "best" if mode == "last" else "last"
        ledger.append(Tested(trial=trial.number, metrics={"test_miou": figures[mode]}))
        assert trial.other_epoch is not None
        ledger.append(
            OtherTested(
                trial=trial.number, epoch=trial.other_epoch, metrics={"test_miou": figures[other]}
            )
        )


@pytest.mark.parametrize(("mode", "epochs"), [("last", (4, 2)), ("best", (2, 4))])
def test_both_networks_stay_until_they_are_tested(
    tmp_path: Path, mode: str, epochs: tuple[int, int]
) -> None:
    plan = both(fake_grid.plan(tmp_path), mode)
    ledger = begun(plan)
    trial = Ledger(ledger.path).record.trials[0]
    assert (trial.measured_epoch, trial.other_epoch) == epochs
    assert trial.metrics["miou"] == CURVE[epochs[0] - 1], "the verdict's network ranks"
    assert epochs_on_disk(plan) == {(2, 4)}
    first = ledger.record.trials[0]
    ledger.append(Tested(trial=0, metrics={"test_miou": 0.5}))
    assert len(others_due(ledger.record)) == 12
    assert (2, 4) in epochs_on_disk(plan), "the one beside it is still to be tested"
    assert first.other is None
    measured(plan, ledger)
    assert not others_due(ledger.record)
    assert epochs_on_disk(plan) == {(epochs[0],), ()}, "then at most the measured one stays"
    assert {trial.other.epoch for trial in ledger.record.trials.values() if trial.other} == {
        epochs[1]
    }
    lines = ledger.path.read_bytes()
    measured(plan, Ledger(ledger.path))
    assert ledger.path.read_bytes() == lines, "a resume tests nothing again"


@pytest.mark.parametrize(
    "tests_before", [13, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 1, 12, 23))]
)
def test_a_study_killed_between_two_tests_ends_as_one_that_was_not(
    tmp_path: Path, tests_before: int
) -> None:
    whole = both(fake_grid.plan(tmp_path / "whole"))
    expected = measured(whole, begun(whole)).record
    plan = both(fake_grid.plan(tmp_path / "killed"))
    ledger = begun(plan)

    class Killed(BaseException):
        pass

    left = iter(range(tests_before))

    def die(event: object) -> None:
        if isinstance(event, Tested | OtherTested) and next(left, None) is None:
            raise Killed

    ledger.listeners.append(die)
    with pytest.raises(Killed):
        measured(plan, ledger)
    again = Ledger(ledger.path)
    again.listeners.append(CheckpointRemover(StudyFolder.of(plan), again.record))
    record = measured(plan, again).record
    for number, trial in record.trials.items():
        one = expected.trials[number]
        assert trial.tested == one.tested
        assert trial.other is not None
        assert one.other is not None
        assert replace(trial.other, time=0.0) == replace(one.other, time=0.0)
    assert epochs_on_disk(plan) == epochs_on_disk(whole)


def test_one_network_that_is_both_is_tested_once(tmp_path: Path) -> None:
    plan = both(fake_grid.plan(tmp_path))
    ledger = fake.begin(plan)
    (run, *_) = grid_runs(plan)
    fake_grid.complete(ledger, run)  # each epoch is better than the one before
    folder = StudyFolder.of(plan).tune / "attempt-1" / "trial-0000"
    write_checkpoint(folder / "checkpoint_000004", 4)
    trial = measured(plan, ledger).record.trials[0]
    assert trial.other is not None
    assert (trial.other.epoch, trial.other.metrics) == (4, trial.tested)


def test_a_damaged_network_beside_the_verdict_is_named_and_leaves_the_verdict(
    tmp_path: Path,
) -> None:
    plan = both(fake_grid.plan(tmp_path))
    ledger = begun(plan)
    path = StudyFolder.of(plan).tune / "attempt-1" / "trial-0003" / "checkpoint_000002" / "state.pt"
    whole = path.read_bytes()
    flip(path)
    trial = measured(plan, ledger).record.trials[3]
    assert trial.tested is not None
    assert not trial.untested
    assert trial.other is not None
    assert trial.other.untested.endswith("state.pt: damaged: its content is not what was written")
    assert "trial 3: the network beside the verdict is untested" in event_line(
        trial.other, ledger.record
    )
    results = results_of(ledger.record)
    assert isinstance(results, AblationResults)
    assert results.other is not None
    assert [row.untested for row in results.other.tables[0].rows] == [0, 1, 0]
    assert [row.untested for row in results.tables[0].rows] == [0, 0, 0]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(whole)
    assert measured(plan, ledger).record.trials[3].other == trial.other, "its file is gone for good"


def test_a_reused_trial_brings_both_tests(tmp_path: Path) -> None:
    earlier = both(fake_grid.plan(tmp_path))
    ledger = begun(earlier)
    write_tests(ledger, earlier, "last")
    later = fake.begin(more_seeds(earlier))
    trial = ledger.record.trials[0]
    source = reuse.ReusableTrial(earlier.study, None, trial, {}, earlier.objectives)
    reuse.reuse_trial(later, grid_runs(earlier)[0], source)
    copied = later.record.trials[0]
    assert copied.tested == trial.tested
    assert copied.other is not None
    assert trial.other is not None
    assert copied.other.metrics == trial.other.metrics


@pytest.mark.parametrize("left", [(2, 4), (4,), (2,)])
def test_a_trial_is_reusable_only_with_all_that_is_to_be_tested(
    tmp_path: Path, left: tuple[int, ...]
) -> None:
    plan = both(fake_grid.plan(tmp_path))
    ledger = begun(plan)
    for epoch in {2, 4} - set(left):
        for path in StudyFolder.of(plan).tune.glob(f"*/trial-0000/checkpoint_{epoch:06d}/state.pt"):
            path.unlink()
    trial = ledger.record.trials[0]
    source = reuse.ReusableTrial(plan.study, None, trial, {}, plan.objectives)
    assert source.can_be_measured(plan.storage) == (left == (2, 4))
    ledger.append(Tested(trial=0, metrics={"test_miou": 0.5}))
    assert source.can_be_measured(plan.storage) == (2 in left)


def test_both_networks_count_as_disk(tmp_path: Path) -> None:
    def need(**fields: object) -> int:
        base = TrialConfig().changed({f"eval/{name}": v for name, v in fields.items()})  # type: ignore[misc]
        plan = fake_grid.plan(tmp_path, base=base)
        return disk_need(plan, fake.SPACE, 6, left=12).most

    assert need(both_checkpoints=True) > need(checkpoint="best") > need()


def test_cells_may_differ_in_the_checkpoint_or_have_both(tmp_path: Path) -> None:
    cells = tuple(
        replace(cell, changes={**cell.changes, "eval/checkpoint": mode})
        for cell, mode in zip(fake_grid.GRID.cells[:2], ("last", "best"), strict=True)
    )
    plan = fake_grid.plan(tmp_path, grid=replace(fake_grid.GRID, cells=cells))
    check_evaluation(plan, fake.SPACE)
    with pytest.raises(ValueError, match="both_checkpoints must be false where cells differ"):
        check_evaluation(both(plan), fake.SPACE)
