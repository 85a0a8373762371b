"""What stays on the disk of a trial that has ended, and that nothing needed is ever removed."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study.analysis.networks import needed
from study.execution import checkpoints
from study.execution.checkpoints import CheckpointRemover
from study.ledger.events import Finished
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.planning.runs import grid_runs
from study.reporting.pictures import epochs
from study.reporting.pictures.trial_artifacts import TrialArtifacts
from study.search import reuse
from tests.study import fake, fake_grid
from tests.study.execution.test_stages import small
from tests.study.search.test_reuse_in_grids import DIGEST, more_seeds, run_to_end
from tests.trainables.fake_checkpoint import write_checkpoint
from trainables.config import from_flat, identity
from trainables.training import checkpoint, snapshots


def folder_of(plan: Plan, trial: TrialRecord) -> Path:
    return StudyFolder.of(plan).tune / "attempt-1" / trial.folder


def save(plan: Plan, trial: TrialRecord) -> None:
    """The checkpoints that a trial leaves: those of its last two epochs."""
    for epoch in range(max(trial.last_epoch - 1, 1), trial.last_epoch + 1):
        write_checkpoint(folder_of(plan, trial) / f"checkpoint_{epoch:06d}", epoch)


def states(plan: Plan) -> dict[int, list[int]]:
    """By trial, the epochs of the states that are on the disk."""
    found: dict[int, list[int]] = {}
    for path in sorted(StudyFolder.of(plan).tune.glob("*/*/*/state.pt")):
        number, epoch = (int(name.name[-4:]) for name in (path.parents[1], path.parent))
        found.setdefault(number, []).append(epoch)
    return found


def search_events(plan: Plan, ledger: Ledger) -> Iterator[None]:
    """A search that ends, with a pause after each trial; trial 6 is pruned and trial 7 fails."""
    for number in range(8):
        trial = fake.start(ledger, plan, number)
        for epoch in range(1, 2 if number > 5 else fake.EPOCHS + 1):
            fake.epoch(ledger, trial, epoch)
        save(plan, trial)
        yield
        if number == 7:
            ledger.append(failed(number))
        else:
            ledger.append(Finished(trial=number, state="pruned" if number == 6 else "complete"))


def failed(number: int) -> fake.TrialFailed:
    return fake.TrialFailed(trial=number, kind="diverged", message="not finite", traceback="")


def test_a_search_keeps_the_network_of_its_best_trial_alone(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))
    for number, _ in enumerate(search_events(plan, ledger)):
        running = [1] if number > 5 else [3, 4]
        assert states(plan)[number] == running, "a running trial can resume from either"
        assert len(states(plan)) <= 2
    (best,) = needed(ledger.record)
    assert states(plan) == {best: [4]}


def test_several_objectives_keep_the_pareto_set_until_it_is_measured(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, objectives={"miou": "max", "train/loss": "max"})
    ledger = fake.begin(plan)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))
    for _ in search_events(plan, ledger):
        pass
    assert set(states(plan)) == {*range(6), 6}, "no trial is better in both"


def test_a_grid_keeps_what_is_to_be_measured_then_two_networks_of_a_cell(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = fake.begin(plan)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))
    runs = grid_runs(plan)
    for run in runs:
        fake_grid.start(ledger, run)
        fake_grid.epochs(ledger, run)
        save(plan, ledger.record.trials[run.number])
        ledger.append(Finished(trial=run.number, state="complete"))
    assert states(plan) == {run.number: [4] for run in runs}
    fake_grid.measure_all(ledger)
    kept = {(run.cell, run.seed) for run in runs if run.number in states(plan)}
    # The first seed is shown; seed 5 has the best value.
    assert kept == {("plain", 0), ("plain", 5), ("good", 0), ("good", 5)}


@pytest.mark.parametrize("killed_at", range(9))
def test_a_kill_between_two_removals_loses_nothing_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    class Killed(BaseException):
        pass

    steps, strip = iter(range(100)), checkpoint.strip

    def strip_or_die(*of: object, **more: object) -> None:
        if next(steps) == killed_at:
            raise Killed
        strip(*of, **more)  # type: ignore[arg-type]

    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    monkeypatch.setattr(checkpoints.checkpoint, "strip", strip_or_die)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))
    events = search_events(plan, ledger)
    with pytest.raises(Killed):
        for _ in events:
            pass
    monkeypatch.undo()
    again = Ledger(StudyFolder.of(plan).ledger)  # what a resume reads
    assert needed(again.record) <= set(states(plan))
    running = [trial.number for trial in again.record.in_state("running")]
    CheckpointRemover(StudyFolder.of(plan), again.record)
    assert set(states(plan)) == needed(again.record) | set(running)


def test_nothing_is_removed_before_its_reason_is_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    ledger.listeners.append(CheckpointRemover(StudyFolder.of(plan), ledger.record))

    def strip(folders: list[Path], *of: object, **more: object) -> None:
        number = int(folders[0].name[-4:])
        on_disk = Ledger(ledger.path).record
        assert on_disk.trials[number].state != "running"

    monkeypatch.setattr(checkpoints.checkpoint, "strip", strip)
    for _ in search_events(plan, ledger):
        pass


def test_pictures_and_counts_are_made_without_the_network(tmp_path: Path) -> None:
    plan, data = fake.plan(tmp_path), small()
    ledger, folder = fake.begin(plan), StudyFolder.of(plan)
    fake.complete(ledger, plan, 0)
    fake.complete(ledger, plan, 1)
    for trial in ledger.record.trials.values():
        path = folder_of(plan, trial) / "checkpoint_000004"
        labels = np.asarray(data.splits["val"].labels_NHW[:1])
        checkpoint.write(path, trial.last_epoch, b"state", labels, b"counts")
        for epoch in (1, 4):
            snapshots.write(path.parent, epoch, 4, labels)
    CheckpointRemover(folder, ledger.record)
    (best,) = needed(ledger.record)
    other = ledger.record.trials[1 - best]
    artifacts = TrialArtifacts(folder, data)
    for trial in ledger.record.trials.values():
        names = [path.suffix for path in artifacts(trial)]
        assert names == [".png", ".png", ".png", ".npz"]
        assert (folder.pictures(trial.number) / epochs.NAME).exists()
    assert not list(folder_of(plan, other).iterdir()), "nothing needs its checkpoint any more"
    assert states(plan) == {best: [4]}


def test_pictures_and_counts_of_a_reused_trial_are_copied(tmp_path: Path) -> None:
    plan, data = fake.plan(tmp_path), small()
    ledger, folder = fake.begin(plan), StudyFolder.of(plan)
    fake.complete(ledger, plan, 0)
    picture = folder.pictures(0) / "val-0.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"png")
    folder.counts(0, "val").parent.mkdir()
    folder.counts(0, "val").write_bytes(b"counts")
    later = replace(plan, study="later")
    taken = fake.start(fake.begin(later), later, 0, reused=fake.Reused(study="fake", trial=0))
    taken.epochs = ledger.record.trials[0].epochs
    copied = TrialArtifacts(StudyFolder.of(later), data)(taken)
    assert [path.read_bytes() for path in copied] == [b"png", b"counts"]
    assert all(path.is_relative_to(tmp_path / "later") for path in copied)
    shutil.rmtree(folder.path)
    assert TrialArtifacts(StudyFolder.of(later), data)(taken) == copied


@pytest.mark.parametrize("network", [True, False])
def test_a_run_that_was_never_measured_is_reused_only_with_its_network(
    tmp_path: Path, network: bool
) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = run_to_end(plan, tested=False)
    for trial in ledger.record.trials.values():
        save(plan, trial)
        if not network:
            checkpoint.strip([folder_of(plan, trial)], 4, networks=(), results=True)
    found = reuse.reusable_runs(more_seeds(plan), DIGEST, fake.begin(more_seeds(plan)).record)
    assert len(found) == (12 if network else 0)


@pytest.mark.parametrize("network", [True, False])
def test_a_search_by_another_objective_reuses_only_what_it_could_measure(
    tmp_path: Path, network: bool
) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    params = fake.params_of(plan, 0)
    config = plan.resolve(params)
    key = identity(from_flat(config), DIGEST)
    ledger.append(fake.Started(trial=0, id=key, params=params, config=config))
    trial = ledger.record.trials[0]
    for epoch in range(1, fake.EPOCHS + 1):
        fake.epoch(ledger, trial, epoch)
    ledger.append(Finished(trial=0, state="complete"))
    if network:
        save(plan, trial)
    same = replace(plan, study="same")
    other = replace(plan, study="other", objectives={"boundary_f_1px": "max"})
    assert len(reuse.possible_reuse(same, fake.SPACE, DIGEST)) == 1
    assert len(reuse.possible_reuse(other, fake.SPACE, DIGEST)) == int(network)
