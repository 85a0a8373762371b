"""Networks that predict one class alone are named."""

from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from rich.console import Console

from study.analysis.one_class import one_class_alone
from study.analysis.results import results_of
from study.commands import prior_studies
from study.commands.run_study import show_result
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.prior_studies import rerun
from study.reporting import write_report
from study.tracking.sink import MlflowSink
from study.tracking.trial_runs import trial_run
from tests.study import fake, fake_grid, reports
from trainables.metrics import counts_file, per_image


def write(folder: StudyFolder, number: int, predicted: int | None, true: int | None) -> None:
    """Counts of two images; a class fills both, or, None, half of each."""
    both_NHW = torch.zeros((2, 8, 8), dtype=torch.int64)
    both_NHW[:, :4] = 1
    predicted_NHW, true_NHW = (
        both_NHW if kind is None else torch.full_like(both_NHW, kind) for kind in (predicted, true)
    )
    path = folder.counts(number, "val")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(counts_file.pack(per_image.count(predicted_NHW, true_NHW, 2)))


def three_alone(folder: StudyFolder) -> str:
    """Writes counts for ``fake.ended_study``; three networks predict class ``a`` alone."""
    for number in range(3):
        write(folder, number, predicted=0, true=None)
    write(folder, 3, predicted=None, true=None)
    write(folder, 4, predicted=1, true=1)  # right: nothing else is there
    folder.counts(5, "val").write_bytes(b"damaged")
    write(folder, 6, predicted=0, true=None)  # pruned
    return "3 of 5 networks predict only a: train longer or raise optim/lr"


def test_they_are_counted_by_class_in_terminal_and_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    assert one_class_alone(record, folder) == ""
    words = three_alone(folder)
    assert one_class_alone(record, folder) == words
    show_result(plan, results_of(record), {}, Console(width=140))
    assert f"warning: {words}\n" in capsys.readouterr().out
    assert f"**{words}.**" in reports.markdown(record, folder.path)


def test_each_counts_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report and the terminal both read all of them."""
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    words, read, load = three_alone(folder), list[Path](), counts_file.load

    def counted(path: Path) -> per_image.ImageCounts:
        read.append(path)
        return load(path)

    monkeypatch.setattr(counts_file, "load", counted)
    for _ in range(2):
        assert one_class_alone(record, folder) == words
    assert len(read) == 6
    write(folder, 0, predicted=None, true=None)
    assert one_class_alone(record, folder).startswith("2 of 5 networks predict only a")
    assert len(read) == 7


def test_they_are_named_in_the_plan_of_a_resumed_study_and_of_its_winner_s_rerun(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    words = three_alone(folder)
    assert prior_studies.lines(plan, fake.SPACE, record, "d")["one class"] == words
    grid = rerun.rerun_winner(tmp_path, "fake").grid
    again = fake_grid.plan(tmp_path, grid, study="again")
    lines = prior_studies.lines(again, fake.SPACE, StudyRecord(), "d")
    assert lines["one class"] == f"in fake, {words}"
    new = fake.plan(tmp_path, study="new")
    assert "one class" not in prior_studies.lines(new, fake.SPACE, StudyRecord(), "d")


def test_they_are_named_beside_the_tables_of_an_ablation(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    write(folder, 0, predicted=0, true=None)
    write_report.write(results_of(record), folder, {})
    for name in ("table.md", "table.tex", "report.md"):
        assert (
            "1 of 1 networks predict only a: train longer" in (folder.report / name).read_text()
        ), name


def test_mlflow_names_them_on_the_trial_s_run_and_on_the_study_s(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    words = three_alone(folder)
    for number, expected in ((0, "a"), (3, None), (4, None), (5, None)):
        run = trial_run(record, record.trials[number], [folder.counts(number, "val")])
        assert run.tags.get("one_class") == expected
    sink = MlflowSink(
        plan.tracking_uri,
        record,
        lambda trial: list(folder.path.glob(f"*/*{trial.number}.npz")),
    )
    assert sink.close([]) == ""
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    tags = [run.data.tags for run in client.search_runs([experiment.experiment_id])]
    found = {tag.get("trial"): tag["one_class"] for tag in tags if "one_class" in tag}
    assert found == {None: words, "0": "a", "1": "a", "2": "a", "6": "a"}
