"""Sections of a report that need more than the ledger: counts, and a later study."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from search_spaces import SPACES, Setup
from study.analysis import image_bootstrap, networks
from study.analysis.results import AblationResults, SearchResults
from study.commands import run_study
from study.execution.stopping import Policy
from study.ledger.design import Ablation
from study.ledger.events import EpochEnded, Reused, Started
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.prior_studies import rerun
from study.reporting import write_report
from study.reporting.document import Block, Prose, Section, Sheet
from study.reporting.pictures import gallery
from study.reporting.sections import cost, per_class, published, reruns
from tests.study import fake, fake_grid, reports
from trainables.config import DataConfig
from trainables.data import load
from trainables.metrics import counts_file, per_image


def keep_counts(plan: Plan, record: StudyRecord, wrong_rows: int) -> None:
    """Store counts of three images whose upper half is class b; in the second, the prediction is
    ``wrong_rows`` too low."""
    labels_NHW = torch.zeros((3, 16, 8), dtype=torch.int64)
    labels_NHW[:, :8] = 1
    predicted_NHW = labels_NHW.clone()
    predicted_NHW[1, 8 : 8 + wrong_rows] = 1
    packed = counts_file.pack(per_image.count(predicted_NHW, labels_NHW, 2), ["p", "q", "r"])
    for number in record.trials:
        StudyFolder.of(plan).write_counts(number, packed)


def sheet(parts: Sequence[Block | Section]) -> Sheet:
    section = parts[0]
    assert isinstance(section, Section)
    return next(block for block in section.blocks if isinstance(block, Sheet))


def by_metric(parts: Sequence[Block | Section]) -> dict[str, Sheet]:
    """The sheets of the first section, by the text before each."""
    section = parts[0]
    assert isinstance(section, Section)
    pairs = pairwise(section.blocks)
    return {a.text: b for a, b in pairs if isinstance(a, Prose) and isinstance(b, Sheet)}


def test_classes_are_averaged_over_seeds_and_the_worst_image_is_found(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    record = fake_grid.ended_study(plan).record
    results, folder = AblationResults(record), StudyFolder.of(plan)
    assert per_class.of_ablation(results, folder) == []
    keep_counts(plan, record, wrong_rows=5)
    found = by_metric(per_class.of_ablation(results, folder))
    # two images are perfect, in one the only contour is 5 px off: F 1, 1 and 0
    missed = Sheet(["class", "plain", "good"], [["a", "66.67", "66.67"], ["b", "66.67", "66.67"]])
    perfect = Sheet(missed.head, [[name, "100.00", "100.00"] for name in ("a", "b")])
    assert found["`boundary_f_1px %`:"] == found["`boundary_f_3px %`:"] == missed
    assert found["`boundary_f_5px %`:"] == found["`boundary_f_davis_5px %`:"] == perfect
    # 5 of 3 x 8 rows are wrong
    assert found["`iou %`:"].rows == [["a", "79.17", "79.17"], ["b", "82.76", "82.76"]]
    trials = networks.shown(results)
    assert [(trial.cell, trial.seed) for trial in trials] == [("plain", 0), ("good", 0)]
    chosen = gallery.choose(folder, results, trials)
    assert chosen.worst[0] == 1
    assert chosen.differing == ([], []), "equal networks differ nowhere"


def test_a_papers_figures_by_class_stand_beside_ours(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    theirs = {"DLV3": {"iou": {"b": 0.653, "train": 0.8}}, "other": {"iou": {"train": 0.8}}}
    design = plan.design
    assert isinstance(design, Ablation)
    first, *others = design.grid.cells
    cells = (replace(first, class_published=theirs), *others)
    grid = replace(
        design.grid,
        cells=cells,
        setups=(Setup(name="DLV3", network="any", dataset="any", images="val"),),
    )
    plan = replace(plan, design=replace(design, grid=grid))
    ledger = fake_grid.ended_study(plan)
    keep_counts(plan, ledger.record, wrong_rows=5)

    read_again = StudyFolder.of(plan).load()
    found = by_metric(per_class.of_ablation(AblationResults(read_again), StudyFolder.of(plan)))

    assert found["`iou %`:"].head == ["class", "plain", "good", f"published {first.name}: DLV3"]
    assert [row[-1] for row in found["`iou %`:"].rows] == ["-", "65.30"]
    assert found["`boundary_iou %`:"].head == ["class", "plain", "good"]
    apart = published.sections(AblationResults(read_again))[0].blocks
    sheets = [block for block in apart if isinstance(block, Sheet)]
    assert Sheet(["class", first.name], [["train", "80.00"]]) in sheets, "not known how: apart"


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-9] + b"?" + whole[-8:], lambda whole: b""]
)
def test_a_damaged_counts_file_is_left_out_and_named(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    """It used to end the study, and every resume, with a traceback."""
    plan = fake_grid.plan(tmp_path)
    record, folder = fake_grid.ended_study(plan).record, StudyFolder.of(plan)
    keep_counts(plan, record, wrong_rows=5)
    whole = image_bootstrap.over_images(folder, record)
    path = folder.counts(0, "test")
    path.write_bytes(damage(path.read_bytes()))
    assert image_bootstrap.over_images(folder, record).keys() == whole.keys()
    results = AblationResults(record)
    assert gallery.choose(folder, results, networks.shown(results)).worst[0] == 1
    text = reports.markdown(record, folder.path)
    assert f"trial 0: {path}: damaged" in text
    assert "(plain 5, good 6)" in text


def test_networks_whose_checkpoints_are_gone_are_in_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts outlive checkpoints: a reused trial has them after those are deleted."""
    plan = fake_grid.plan(tmp_path)
    ledger = fake_grid.ended_study(plan)
    keep_counts(plan, ledger.record, wrong_rows=5)
    dataset = load(DataConfig(train_images=1, val_images=1, test_images=1, height=24, width=32))
    study = run_study.StudyRun(plan, SPACES[plan.space], dataset, ledger, Console())
    # Every trial has ended; without a report, only the pictures are left to do.
    monkeypatch.setattr(write_report, "write", lambda *_: [])
    monkeypatch.setattr(run_study, "Execution", lambda *_: SimpleNamespace(run=lambda: None))
    sink = SimpleNamespace(close=lambda *_: "", experiment="1")
    monkeypatch.setattr(run_study, "MlflowSink", lambda *_: sink)
    assert study.run(Policy()) == 0
    assert not StudyFolder.of(plan).test_pictures.exists()


def test_the_cost_of_a_cell_is_the_median_of_its_epochs_but_the_first(tmp_path: Path) -> None:
    ledger = fake.begin(fake_grid.plan(tmp_path))
    assert cost.of_ablation(ledger.record) == []
    for number, cell, seconds in (
        (0, "plain", (9, 2, 4)),
        (1, "good", (9, 6, 6)),
        (2, "plain", (9, 3, 3)),
        (3, "good", (9, 1, 8)),
    ):
        ledger.append(
            Started(
                trial=number,
                id=str(number),
                params={},
                config={"epochs": 3},
                cell=cell,
                seed=number // 2,
            )
        )
        for epoch, train_s in enumerate(seconds, start=1):
            ledger.append(
                EpochEnded(
                    trial=number,
                    epoch=epoch,
                    metrics={},
                    seconds=20.0,
                    train_s=train_s,
                    evaluate_s=1.0,
                    lane="lane-0",
                )
            )
    planned = ledger.record.planned
    assert planned is not None
    data = replace(planned.data, images={"train": 21})  # two steps of 8; five images are left out
    found = sheet(cost.of_ablation(replace(ledger.record, planned=replace(planned, data=data))))
    assert found.rows == [
        ["plain", "4", "3.00", "1500", "1.00"],
        ["good", "4", "6.00", "3000", "2.00"],
    ]
    assert "reused" not in str(cost.of_ablation(ledger.record))
    ledger.record.trials[0].reused = Reused(study="earlier", trial=0)
    assert "Runs reused from earlier studies" in str(cost.of_ablation(ledger.record))


def test_a_search_reports_its_winner_s_result_on_fresh_seeds(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.ended_study(plan)
    best, folder = SearchResults(ledger.record).best, StudyFolder.of(plan)
    assert best is not None
    value = best.value("miou")
    assert value is not None
    assert reruns.rerun_section(ledger.record, best, folder) == []
    grid = rerun.rerun_winner(tmp_path, "fake").grid
    again = fake_grid.plan(tmp_path, grid, study="again")
    record = fake_grid.ended_study(again).record
    assert reruns.origin(record.plan) == "fake"
    part = reruns.rerun_section(ledger.record, best, folder)[0]
    assert isinstance(part, Section)
    prose = part.blocks[0]
    assert isinstance(prose, Prose)
    # 51.56 + 3.125 as in test_tables
    assert f"was {100 * value:.2f} % on the validation list" in prose.text
    assert "on 6 fresh seeds it is 54.69 % on the test list." in prose.text
    before = reports.write(ledger.record, folder)
    content_before = [path.read_bytes() for path in before]
    assert [path.read_bytes() for path in reports.write(ledger.record, folder)] == content_before
