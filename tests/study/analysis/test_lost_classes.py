"""Networks that predict one class alone, or lose some classes, are named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from rich.console import Console
from torch import Tensor

from search_spaces import Cell
from study.analysis import lost_classes as lost_classes_module
from study.analysis.lost_classes import lost_classes
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

LOST = "classes lost (IoU below 1%) on the validation list,"


def write(folder: StudyFolder, number: int, predicted: int | None, true: int | None) -> None:
    """Counts of two images; a class fills both, or, None, half of each."""
    both_NHW = torch.zeros((2, 8, 8), dtype=torch.int64)
    both_NHW[:, :4] = 1
    predicted_NHW, true_NHW = (
        both_NHW if kind is None else torch.full_like(both_NHW, kind) for kind in (predicted, true)
    )
    write_labels(folder, number, predicted_NHW, true_NHW, 2)


def write_labels(
    folder: StudyFolder, number: int, predicted_NHW: Tensor, true_NHW: Tensor, classes: int
) -> None:
    path = folder.counts(number, "val")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(counts_file.pack(per_image.count(predicted_NHW, true_NHW, classes)))


def write_lost(folder: StudyFolder, number: int, *lost: int) -> None:
    """Counts of one image with six classes in columns; class 0 takes the place of lost ones."""
    true_NHW = torch.arange(6).expand(1, 8, 6)
    predicted_NHW = torch.where(torch.isin(true_NHW, torch.tensor(lost)), 0, true_NHW)
    write_labels(folder, number, predicted_NHW, true_NHW, 6)


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
    assert lost_classes(record, folder) == ""
    words = three_alone(folder)
    assert lost_classes(record, folder) == words
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
        assert lost_classes(record, folder) == words
    assert len(read) == 6
    write(folder, 0, predicted=None, true=None)
    assert lost_classes(record, folder).startswith("2 of 5 networks predict only a")
    assert len(read) == 7


def test_they_are_named_in_the_plan_of_a_resumed_study_and_of_its_winner_s_rerun(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    words = three_alone(folder)
    assert prior_studies.lines(plan, fake.SPACE, record, "d")["lost classes"] == words
    grid = rerun.rerun_winner(tmp_path, "fake").grid
    again = fake_grid.plan(tmp_path, grid, study="again")
    lines = prior_studies.lines(again, fake.SPACE, StudyRecord(), "d")
    assert lines["lost classes"] == f"in fake, {words}"
    new = fake.plan(tmp_path, study="new")
    assert "lost classes" not in prior_studies.lines(new, fake.SPACE, StudyRecord(), "d")


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
    for number, expected in ((0, "all but a"), (3, None), (4, None), (5, None)):
        run = trial_run(record, record.trials[number], [folder.counts(number, "val")])
        assert run.tags.get("lost_classes") == expected
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
    found = {tag.get("trial"): tag["lost_classes"] for tag in tags if "lost_classes" in tag}
    alone: dict[str | None, str] = {number: "all but a" for number in ("0", "1", "2", "6")}
    assert found == {None: words, **alone}


def test_lost_classes_are_named_by_cell_the_largest_share_first(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    first, second = list(dict.fromkeys(trial.cell for trial in record.trials.values()))[:2]
    numbers = {
        cell: [number for number, trial in record.trials.items() if trial.cell == cell]
        for cell in (first, second)
    }
    for number in (*numbers[first], *numbers[second]):
        write_lost(folder, number)
    assert lost_classes(record, folder) == ""
    write_lost(folder, numbers[first][0], 1)
    for number in numbers[second]:
        write_lost(folder, number, 1, 2, 3, 5)
    every, one_of = len(numbers[second]), len(numbers[first])
    assert every > 1
    words = lost_classes(record, folder)
    by = f"{every} of {every} networks of {second} (b, class 2, class 3, 1 more)"
    assert words.startswith(f"{LOST} by {by}, 1 of {one_of} networks of {first} (b): a difference")
    for cell, lost in ((first, "b"), (second, "b, class 2, class 3, class 5")):
        number = numbers[cell][0]
        run = trial_run(record, record.trials[number], [folder.counts(number, "val")])
        assert run.tags["lost_classes"] == lost
    assert words[1:] in reports.markdown(record, folder.path)


def test_of_many_cells_three_are_named(tmp_path: Path) -> None:
    more = (Cell(name=f"ar{place}", changes={"loss/ar": 0.1 * place}) for place in (1, 2, 3))
    grid = replace(fake_grid.GRID, cells=(*fake_grid.GRID.cells[:2], *more))
    plan = fake_grid.plan(tmp_path, grid)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    for number in record.trials:
        write_lost(folder, number, 4)
    each = (f"6 of 6 networks of {cell} (class 4), " for cell in ("plain", "good", "ar1"))
    expected = f"{LOST} by {''.join(each)}and 2 more cells: a difference"
    assert lost_classes(record, folder).startswith(expected)


def test_a_network_of_one_class_is_not_named_twice(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    write_lost(folder, 0, 1, 2, 3, 4, 5)
    write_lost(folder, 1, 2)
    words = lost_classes(record, folder)
    assert words.startswith(
        "1 of 2 networks predict only a: train longer or raise optim/lr; classes lost"
    )
    assert "by 1 of 2 networks (class 2): a difference" in words


def test_only_the_first_networks_are_read_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    for number in range(3):
        write_lost(folder, number, 2)
    monkeypatch.setattr(lost_classes_module, "MOST", 2)
    words = lost_classes(record, folder)
    assert words.startswith("of the first 2 networks: classes lost (IoU")
    assert "by 2 of 2 networks (class 2)" in words


def test_a_class_with_next_to_no_pixel_right_is_lost(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    for number, right in ((0, 1), (1, 2)):  # IoU 0.5 % and 1 %
        true_NHW = torch.ones((1, 20, 20), dtype=torch.int64)
        true_NHW[0, :10] = 0
        predicted_NHW = true_NHW.clone()
        predicted_NHW.view(-1)[200 + right :] = 0
        write_labels(folder, number, predicted_NHW, true_NHW, 2)
    assert "by 1 of 2 networks (b)" in lost_classes(record, folder)
