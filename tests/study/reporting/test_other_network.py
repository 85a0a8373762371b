"""Terminal, report, files and MLflow name the network that is tested beside the measured one."""

from pathlib import Path

import pytest

from study.analysis.measured_epoch import after
from study.analysis.results import AblationResults, results_of
from study.commands.python_api import frame
from study.ledger.study_folder import StudyFolder
from study.tracking.cells import judged
from study.tracking.trial_runs import trial_run
from tests.study import fake_grid, reports
from tests.study.execution.test_both_checkpoints import begun, both, write_tests
from tests.study.execution.test_untested import printed


@pytest.mark.parametrize("mode", ["last", "best"])
def test_the_verdict_is_the_fixed_networks_and_the_others_table_stands_beside_it(
    tmp_path: Path, mode: str
) -> None:
    """The fixed network makes ``good`` better on every seed, the other one makes it worse."""
    plan = both(fake_grid.plan(tmp_path), mode)
    ledger = begun(plan)
    write_tests(ledger, plan, mode)
    results = results_of(ledger.record)
    assert isinstance(results, AblationResults)
    assert results.verdicts["good"] == "better"
    assert results.other is not None
    assert results.other.verdicts["good"] == "worse"
    words = {"last": "after the last epoch", "best": "after the epoch that is best in miou"}
    other = words["best" if mode == "last" else "last"]
    assert after(results.other.record.plan).startswith(other)
    report = reports.markdown(ledger.record, StudyFolder.of(plan).path)
    text = " ".join(printed(plan, ledger).split())
    for said in (report, text):
        assert f"by the networks {other}" in said
        assert "decides nothing" in said
    assert report.count("worse") >= 1
    name = "table_best_epoch" if mode == "last" else "table_last_epoch"
    assert "worse" in (StudyFolder.of(plan).report / f"{name}.csv").read_text()
    assert "worse" not in (StudyFolder.of(plan).report / "table.csv").read_text()


def test_the_columns_name_the_network(tmp_path: Path) -> None:
    plan = both(fake_grid.plan(tmp_path))
    ledger = begun(plan)
    write_tests(ledger, plan, "last")
    trial = ledger.record.trials[1]  # good, seed 0
    run = trial_run(ledger.record, trial)
    figures = {point.name: point.value for point in run.late}
    assert figures["test_miou"] == 0.25 + 0.03125
    assert figures["best_epoch/test_miou"] == 0.5 - 0.03125
    assert run.tags["measured_epoch"] == "4"
    assert run.tags["other_epoch"] == "2"
    results = results_of(ledger.record)
    assert isinstance(results, AblationResults)
    cell = next(each for each in judged(results) if each.key == "cell/good")
    means = {point.name: point.value for point in cell.late}
    assert means["delta_miou"] == 0.03125
    assert means["best_epoch/delta_miou"] == -0.03125
    assert frame(ledger.record).loc[1, "best_epoch/test_miou"] == 0.5 - 0.03125
