"""A trial replayed from its record: the same content, and both figures beside each other."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.resources import Node
from study.commands import options
from study.ledger.events import Ended, EpochEnded, Finished, Started, Tested, TrialFailed
from study.ledger.plan import Plan
from study.ledger.prior_trials import Replayed
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.make_plan import plan_from_request
from study.planning.runs import grid_runs
from study.reporting.sections import reruns
from tests.study import fake, fake_grid, reports
from tests.study.commands.test_run import refused
from trainables.config import from_flat, identity

DIGEST = "d" * 16


@pytest.fixture
def record(tmp_path: Path) -> StudyRecord:
    """A search on two workers whose trial 3 is named by its content and was tested."""
    small = {f"data/{part}_images": 1 for part in ("train", "val", "test")}
    base = fake.plan(tmp_path).config.changed(small)
    plan = fake.plan(tmp_path, workers=2, lanes=1, trials=4, base=base)
    ledger = fake.begin(plan)
    for number in range(3):
        fake.complete(ledger, plan, number)
    params = fake.params_of(plan, 3)
    config = plan.resolve(params)
    ledger.append(
        Started(trial=3, id=identity(from_flat(config), DIGEST), params=params, config=config)
    )
    for done in (1, 2):
        fake.epoch(ledger, ledger.record.trials[3], done)
    ledger.append(Finished(trial=3, state="complete"))
    ledger.append(Tested(trial=3, metrics={"test_miou": 0.25, "test_hd95": None}))
    return ledger.record


def replayed(storage: Path, which: str) -> Plan:
    given = options.parse_request(["--replay", which, "--storage", str(storage)])
    return plan_from_request(given, [Node(cpus=4, gpus=0)])


def original(plan: Plan) -> Replayed:
    """The trial that this plan runs again."""
    assert plan.ablation.replayed is not None
    return plan.ablation.replayed


def test_it_is_planned_from_the_record_alone(tmp_path: Path, record: StudyRecord) -> None:
    trial = record.trials[3]
    for which in ("fake/3", trial.id):
        plan = replayed(tmp_path, which)
        (run,) = grid_runs(plan)
        assert run.config == trial.config
        assert identity(from_flat(run.config), DIGEST) == trial.id
        assert (plan.workers, plan.lanes, plan.trials, plan.fresh) == (2, 1, 1, True)
        assert plan.study.startswith("inverseform-replay-shapes-")
        assert original(plan).metrics == trial.metrics
        assert original(plan).digest == DIGEST


def verdict(again: StudyRecord) -> str:
    return reruns.replay_verdict(again, original(again.plan))


def run_again(plan: Plan, change: dict[str, float]) -> StudyRecord:
    """All epochs; the second has the original's figures with these changes."""
    ledger = fake.begin(plan)
    (run,) = grid_runs(plan)
    fake_grid.start(ledger, run)
    for done in range(1, fake.EPOCHS + 1):
        metrics = {**original(plan).metrics, **change} if done == 2 else {"miou": 0.9}
        ledger.append(EpochEnded(trial=0, epoch=done, metrics=metrics, seconds=1.0, lane="a"))
    ledger.append(Finished(trial=0, state="complete"))
    ledger.append(Tested(trial=0, metrics={"test_miou": 0.25, "test_hd95": None}))
    ledger.append(Ended())
    return ledger.record


def test_equal_figures_are_reported_as_equal(tmp_path: Path, record: StudyRecord) -> None:
    plan = replayed(tmp_path, "fake/3")
    again = run_again(plan, {})
    # five of validation (one of them null) and two of the test list
    assert verdict(again) == "all 7 figures are equal; then complete, now complete"
    value = record.trials[3].metrics["miou"]
    text = reports.markdown(again, StudyFolder.of(plan).path)
    assert f"| miou | {value:.9g} | {value:.9g} |" in text
    assert "| test_miou | 0.25 | 0.25 |" in text
    assert "| after epoch 2 | fake/3 | again |" in text
    assert again.plan == fake.as_in_ledger(plan)


def test_the_largest_difference_is_named(tmp_path: Path, record: StudyRecord) -> None:
    miou = record.trials[3].metrics["miou"]
    assert miou is not None
    change = {"miou": miou + 0.125, "pixel_accuracy": 0.5 + 0.0625}
    again = run_again(replayed(tmp_path, "fake/3"), change)
    assert verdict(again).startswith("2 of 7 figures differ, most miou by 0.12;")


@pytest.mark.parametrize(
    ("deterministic", "apart", "words"),
    [
        (
            False,
            1e-4,
            "all 7 figures are equal; then complete, now complete; equal within 0.001",
        ),
        (False, 0.1, "1 of 7 figures differ, most miou by 0.1; then complete, now complete; equal"),
        (True, 1e-4, "1 of 7 figures differ, most miou by 0.0001; then complete, now complete"),
    ],
)
def test_on_gpus_equal_means_within_a_tolerance_that_is_said(
    tmp_path: Path, record: StudyRecord, deterministic: bool, apart: float, words: str
) -> None:
    miou = record.trials[3].metrics["miou"]
    assert miou is not None
    plan = replayed(tmp_path, "fake/3")
    base = {**plan.base, "optim/deterministic": deterministic}
    again = run_again(replace(plan, gpus_per_worker=1.0, base=base), {"miou": miou + apart})
    assert verdict(again).startswith(words)
    assert verdict(again).endswith("complete") == deterministic


def test_a_replay_that_ended_early_differs_in_everything(
    tmp_path: Path, record: StudyRecord
) -> None:
    plan = replayed(tmp_path, "fake/3")
    ledger = fake.begin(plan)
    fake_grid.start(ledger, grid_runs(plan)[0])
    ledger.append(TrialFailed(trial=0, kind="diverged", message="it went wrong", traceback=""))
    words = "4 of 5 figures differ, most miou by inf; then complete, now failed"
    assert verdict(ledger.record) == words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--replay", "none/0"], "--replay must name a study in"),
        (["--replay", "../up/0"], "--replay must be letters"),
        (["--replay", "fake/9"], "--replay must name one of the 4 trials of fake, got 'fake/9'"),
        (["--replay", "fake/x"], "--replay must name one of the 4 trials of fake"),
        (["--replay", "abc"], "--replay must be NAME/NUMBER or the id of a trial in"),
        (["--replay", "fake/0", "--epochs", "3"], "--epochs cannot be given with --replay"),
        (["--replay", "fake/0", "--max-hours", "3"], "--max-hours cannot be given with --replay"),
        (["--replay", "fake/0"], "--replay needs the data of its first run: digest dddd"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    record: StudyRecord,
    arguments: list[str],
    words: str,
) -> None:
    assert words in refused(capsys, tmp_path, "--storage", str(tmp_path), *arguments)
