"""Networks that predict one class alone are named."""

from pathlib import Path

import pytest
import torch
from rich.console import Console

from study.analysis.one_class import one_class_alone
from study.analysis.results import results_of
from study.commands.run_study import show_result
from study.ledger.study_folder import StudyFolder
from tests.study import fake, reports
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


def test_they_are_counted_by_class_in_terminal_and_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = fake.plan(tmp_path)
    record, folder = fake.ended_study(plan).record, StudyFolder.of(plan)
    assert one_class_alone(record, folder) == ""
    for number in range(3):
        write(folder, number, predicted=0, true=None)
    write(folder, 3, predicted=None, true=None)
    write(folder, 4, predicted=1, true=1)  # right: nothing else is there
    folder.counts(5, "val").write_bytes(b"damaged")
    write(folder, 6, predicted=0, true=None)  # pruned
    words = "3 of 5 predict a alone: train longer or raise optim/lr"
    assert one_class_alone(record, folder) == words
    show_result(plan, results_of(record), {}, Console(width=140))
    assert f"warning: {words}\n" in capsys.readouterr().out
    assert f"**{words}.**" in reports.markdown(record, folder.path)
