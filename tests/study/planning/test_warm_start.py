"""Warm start: what the sampler learns, what is left out and why, and what a resume learns again."""

from pathlib import Path

import pytest

from cluster.resources import Node
from study.commands.options import parse_request
from study.commands.run import main
from study.ledger.events import EpochEnded, Finished, Started
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.prior_trials import WarmStart
from study.ledger.study_folder import StudyFolder
from study.planning.make_plan import plan_from_request
from study.planning.prior_studies import warm_start
from study.search.optuna_search import LedgerSearch
from tests.study import fake, fake_grid
from tests.study.commands.test_run import refused
from tests.study.search.test_optuna_search import drive
from trainables.config import Value

TPE = {"sampler": "tpe", "trials": 6}


def gathered(storage: Path, names: str, *objectives: str) -> WarmStart:
    base = fake.plan(storage).config.changed({"epochs": 9})
    return warm_start.gather(storage, names, fake.SPACE, base, objectives or ("miou",), "tpe")


def test_complete_trials_that_fit_are_learned_and_the_others_counted_by_reason(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path, trials=10)
    ledger = fake.ended_study(plan)
    misfits: dict[int, dict[str, Value | None]] = {8: {"loss/tile": 64}, 9: {"optim/lr": None}}
    for number, changes in misfits.items():
        drawn = {**fake.params_of(plan, number), **changes}
        params = {path: value for path, value in drawn.items() if value is not None}
        key, config = f"{number:012x}", {**plan.base}
        ledger.append(Started(trial=number, id=key, params=params, config=config))
        ledger.append(
            EpochEnded(trial=number, epoch=1, metrics={"miou": 0.5}, seconds=1.0, lane="a")
        )
        ledger.append(Finished(trial=number, state="complete"))
    warm = gathered(tmp_path, "fake")
    assert [trial.trial for trial in warm.trials] == list(range(6))
    for known in warm.trials:
        trial = ledger.record.trials[known.trial]
        assert (known.params, known.values) == (trial.params, [trial.value("miou")])
    text = warm_start.described(warm, "d" * 16)
    assert text == (
        "6 trials of fake (other: epochs); left out 1 of fake (pruned), 1 of fake (failed), "
        "1 of fake (loss/tile outside 8 | 16 | 32), 1 of fake (no optim/lr)"
    )
    assert "(other: epochs, the data)" in warm_start.described(warm, "e" * 16)


def test_a_trial_that_two_studies_share_is_learned_once(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path, study="a"))
    fake.ended_study(fake.plan(tmp_path, study="b"))  # fake trials are named by their number
    warm = gathered(tmp_path, "a,b")
    assert {trial.study for trial in warm.trials} == {"a"}
    assert warm.studies["b"].left_out == {"known already": 6, "pruned": 1, "failed": 1}


def test_every_objective_must_have_been_measured(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path))  # boundary_f_3px is null there
    both = gathered(tmp_path, "fake", "miou", "boundary_f_1px")
    assert all(len(trial.values) == 2 for trial in both.trials)
    with pytest.raises(ValueError, match=r"a trial that fits.*6 of fake \(no boundary_f_3px\)"):
        gathered(tmp_path, "fake", "miou", "boundary_f_3px")


def warm_plan(storage: Path) -> Plan:
    """Planned by the command, from a search of six complete trials."""
    arguments = [
        "--space",
        "inverseform",
        "--storage",
        str(storage),
        "--warm-start",
        "earlier",
        "--trials",
        "6",
        "--name",
        "warm",
        "--epochs",
        str(fake.EPOCHS),
    ]
    return plan_from_request(parse_request(arguments), [Node(cpus=2, gpus=0)])


def test_the_sampler_knows_them_and_a_resumed_study_learns_the_same(tmp_path: Path) -> None:
    fake.ended_study(fake.plan(tmp_path, study="earlier"))
    plan = warm_plan(tmp_path)
    cold = drive(fake.begin(fake.plan(tmp_path, study="cold", **TPE)))
    uninterrupted = drive(fake.begin(plan))
    assert all(a.params != b.params for a, b in zip(cold, uninterrupted, strict=True))
    (tmp_path / "warm").rename(tmp_path / "moved")
    cut = drive(fake.begin(plan), end_after=3)
    (tmp_path / "earlier" / "ledger.jsonl").unlink()  # the plan holds what it needs of it
    cut += drive(Ledger(StudyFolder.of(plan).ledger))
    assert cut == uninterrupted


def test_earlier_trials_come_before_the_study_s_own_and_count_for_the_sampler_alone(
    tmp_path: Path,
) -> None:
    fake.ended_study(fake.plan(tmp_path, study="earlier"))
    plan = warm_plan(tmp_path)
    ledger = fake.begin(plan)
    record = ledger.record
    search = LedgerSearch(record, fake.SPACE, [], dict)
    first = search.suggest("a")
    assert first is not None
    assert first["number"] == 0
    search.on_trial_complete("a", {"miou": 0.75, "training_iteration": 1})
    warm = plan.search.warm_start
    assert warm is not None
    values = [trial.values[0] for trial in warm.trials]
    assert [trial.value for trial in search.study.trials] == [*values, 0.75]
    assert record.trials == {}
    assert StudyFolder.of(plan).load().plan == fake.as_in_ledger(plan)


def test_a_dry_run_shows_warm_start_objectives_and_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.ended_study(fake.plan(tmp_path, study="earlier"))
    small = [
        word for split in ("train", "val", "test") for word in ("--set", f"data/{split}_images=1")
    ]
    command = ["--space", "inverseform", "--storage", str(tmp_path), "--epochs", "4", *small]
    options = ["--objective", "miou,boundary_f_1px", "--warm-start", "earlier", "--max-hours", "2"]
    assert main([*command, *options, "--dry-run"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    for words in (
        "ranked by the Pareto set of miou (max) and boundary_f_1px (max)",
        "warm start 6 trials of earlier (other: data/height, data/width, data/train_images and 6 "
        "more); left out 1 of earlier (pruned), 1 of earlier (failed)",
        "budget 2 h, 0 used",
    ):
        assert words in output
    assert [path.name for path in tmp_path.iterdir()] == ["earlier"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--warm-start", "none"], "--warm-start must name a study in"),
        (["--warm-start", "../up"], "--warm-start must be letters"),
        (["--warm-start", "grid"], "searches of inverseform, got 'grid', a grid of all_losses"),
        (["--warm-start", "started"], "a trial that fits, got 'started'"),
        (["--warm-start", "started", "--sampler", "random"], "needs --sampler tpe or gp or nsga2"),
        (["--warm-start", "started", "--grid", "table5"], "--warm-start goes with a search, got"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    studies = tmp_path / "studies"
    fake_grid.ended_study(fake_grid.plan(studies, study="grid"))
    fake.begin(fake.plan(studies, study="started"))
    command = ["--space", "inverseform", "--storage", str(studies), *arguments]
    assert words in refused(capsys, tmp_path, *command)
