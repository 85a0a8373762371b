"""What a study over folds says: its unit, its test, a row per fold, and no figure of one list."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.analysis import provisional
from study.analysis.answer import answer
from study.analysis.results import AblationResults
from study.analysis.same_question import compared
from study.commands.python_api import frame as trials_frame
from study.ledger.design import Ablation
from study.ledger.events import Ended
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.planning.prior_studies.horizon import run_longer
from study.planning.runs import grid_runs
from study.reporting import table_files
from study.tracking.entities import inputs_of
from study.tracking.trial_runs import trial_run
from tests.study import fake, fake_grid, reports
from trainables.config import TrialConfig
from trainables.lane.trial_spec import TrialSpec

FOLDS = [{"train": 80 - fold, "val": 20 + fold, "test": 20 + fold} for fold in range(5)]
SPREAD = (0, 1, 2, 1, 0)


def plan_of(storage: Path) -> Plan:
    base = {"epochs": fake.EPOCHS, "data/folds": 5, "data/fold": 1, "data/holdout": 0}
    return fake_grid.plan(
        storage,
        design=Ablation(grid=fake_grid.GRID, seeds=(3, 4), folds=5),
        base=TrialConfig().changed(base),
    )


def score(run: TrialSpec, epoch: int = fake.EPOCHS) -> float:
    fold = int(run.config["data/fold"])
    gain = (1 + SPREAD[fold - 1] / 8) / 32 if run.cell == "good" else 0.0
    return 0.25 + fold / 32 + run.seed / 64 + gain + epoch / 64


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(fake_grid, "score", score)
    monkeypatch.setattr(fake, "DATA", replace(fake.DATA, folds=FOLDS))
    return fake_grid.ended_study(plan_of(tmp_path))


def test_the_answer_and_the_report_name_folds_and_seeds_and_their_test(
    ledger: Ledger, tmp_path: Path
) -> None:
    said = answer(fake_grid.results(ledger))
    assert "good +3.44 miou" in said
    assert "5 folds x 2 seeds" in said
    text = reports.markdown(ledger.record, tmp_path)
    assert "corrected resampled t-test (Nadeau and Bengio, 2003)" in text
    assert "| fold | training images | test images |" in text
    assert "| 3 | 78 | 22 |" in text
    assert "Left out over folds" in text
    assert "20, 21, 22, 23, 24 tested by 5 folds" in text
    for of_one_list in ("sign-flip", "BCa", "Over images ("):
        assert of_one_list not in text


def test_the_table_has_a_column_per_fold_and_seed(ledger: Ledger) -> None:
    found = table_files.frame(fake_grid.results(ledger))
    good = found[(found.cell == "good") & (found.metric == "miou")].iloc[0]
    assert good["n"] == 10
    assert good["verdict"] == "better"
    columns = [name for name in found.columns if "seed" in name]
    assert columns == [f"fold_{fold}_seed_{seed}" for seed in (3, 4) for fold in (1, 2, 3, 4, 5)]
    run = next(r for r in grid_runs(ledger.record.plan) if (r.cell, r.pair) == ("good", (4, 2)))
    assert good["fold_2_seed_4"] == score(run) + 0.125


def test_mlflow_and_python_name_the_fold(ledger: Ledger) -> None:
    trial = next(t for t in ledger.record.trials.values() if (t.fold, t.seed) == (2, 4))
    run = trial_run(ledger.record, trial)
    assert (run.tags["fold"], run.params["data/fold"]) == ("2", "2")
    assert "fold 2, seed 4" in run.tags["mlflow.runName"]
    assert [given.profile["images"] for given in inputs_of(ledger.record)] == [20, 21, 22, 23, 24]
    assert set(trials_frame(ledger.record)["fold"]) == {1, 2, 3, 4, 5}


def test_a_study_with_four_complete_folds_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_grid, "score", score)
    monkeypatch.setattr(fake, "DATA", replace(fake.DATA, folds=FOLDS))
    plan = plan_of(tmp_path)
    ledger = fake.begin(plan)
    for run in grid_runs(plan):
        if run.config["data/fold"] == 5:
            fake_grid.fail(ledger, run, "error")
        else:
            fake_grid.complete(ledger, run)
    fake_grid.measure_all(ledger)
    ledger.append(Ended())
    assert answer(AblationResults(ledger.record)).startswith(
        "Undecided: 4 folds cannot decide, 5 can"
    )


def test_what_takes_runs_for_independent_leaves_folds_out(ledger: Ledger, tmp_path: Path) -> None:
    assert provisional.leaning(ledger.record) == {}
    with pytest.raises(ValueError, match="one test list, got the 5 folds of fake"):
        compared(ledger.record)
    with pytest.raises(ValueError, match="a grid that is not on folds"):
        run_longer(tmp_path, ledger.record.plan.study)
