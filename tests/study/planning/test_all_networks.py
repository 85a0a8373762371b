"""`--as-published all`: a table's networks in one study, each with a baseline of its own."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from search_spaces import GRIDS, SPACES, Cell, Grid
from search_spaces.grid import grid_from_event
from study.analysis import image_bootstrap, image_counts
from study.analysis.answer import answer
from study.analysis.comparability import comparable
from study.analysis.networks import best_pair
from study.analysis.protocol import protocol
from study.analysis.results import AblationResults
from study.analysis.training_budget import epochs_in_words, total_epochs
from study.ledger.study_folder import StudyFolder
from study.planning.evaluation_checks import check_evaluation
from study.planning.runs import check_images, grid_runs
from tests.study import fake, fake_grid, reports
from tests.study.analysis.test_image_bootstrap import counts
from tests.study.planning.test_as_published import NYUV2, planned

ALL = ["--as-published", "all"]


def test_each_network_has_its_cells_its_baseline_and_its_figures(tmp_path: Path) -> None:
    plan = planned(tmp_path, "--space", "inverseform", "--grid", "table1", *ALL)
    table1 = GRIDS["inverseform"]["table1"]
    assert plan.grid.baselines == ["HRNet-w18: S", "HRNet-w48: S"]
    for width in ("w18", "w48"):
        for name in ("S", "S+E, InverseForm"):
            cell = plan.grid.cell(f"HRNet-{width}: {name}")
            config = plan.resolve(cell.changes)
            assert config["model/network"] == f"hrnet_{width}"
            assert cell.published == {
                f"HRNet-{width}, NYUv2": table1.cell(name).published[f"HRNet-{width}, NYUv2"]
            }
            assert plan.grid.baseline_of(cell.name) == f"HRNet-{width}: S"
    assert comparable(plan, plan.grid, NYUV2) == ["HRNet-w18, NYUv2", "HRNet-w48, NYUv2"]
    assert len(plan.design.seeds) == 6, "max-T needs no more seeds for more comparisons"


@pytest.mark.parametrize(
    ("space", "grid", "networks"),
    [
        ("inverseform", "table5", ["HRNet-w48", "HRNet-w18"]),
        ("active_boundary", "table2", ["OCR HRNet-W48", "UperNet Swin-T"]),
        ("active_boundary", "table3", ["OCR HRNet-W48", "UperNet Swin-B"]),
        ("active_boundary", "table5", ["DeepLabV3 R50", "OCR HRNet-W48"]),
        ("affinity", "table1", ["RefineNet-LW-50", "RefineNet-LW-152"]),
    ],
)
def test_the_tables_of_several_networks(
    tmp_path: Path, space: str, grid: str, networks: list[str]
) -> None:
    plan = planned(tmp_path, "--space", space, "--grid", grid, *ALL)
    assert [name.partition(":")[0] for name in plan.grid.baselines] == networks
    check_images(plan, SPACES[space])
    check_evaluation(plan, SPACES[space])
    assert len(comparable(plan, plan.grid, dict(plan.grid.setups[0].counts))) == len(networks)


def test_each_network_trains_by_its_own_recipe_unless_the_user_decides(tmp_path: Path) -> None:
    table2 = ["--space", "active_boundary", "--grid", "table2", *ALL]
    plan = planned(tmp_path, *table2)
    rates = {run.cell.partition(":")[0]: run.config["optim/lr"] for run in grid_runs(plan)}
    assert rates == {"OCR HRNet-W48": 0.02, "UperNet Swin-T": 6e-5}
    assert epochs_in_words(plan) == "119 or 127 epochs"
    assert total_epochs(plan) == 6 * 5 * (119 + 127)
    plan = planned(tmp_path, *table2, "--epochs", "2", "--set", "optim/lr=0.5")
    assert {run.config["optim/lr"] for run in grid_runs(plan)} == {0.5}
    assert epochs_in_words(plan) == "2 epochs"


BASE = {"A: plain": 0.25, "B: plain": 0.5}
GRID = Grid(
    name="nets",
    question="?",
    source="a paper",
    baseline="A: plain",
    cells=(
        Cell(name="A: plain", changes={}, against="A: plain"),
        Cell(name="A: good", changes={"loss/lovasz": 1.0}, against="A: plain"),
        Cell(name="B: plain", changes={"model/width": 8}, against="B: plain"),
        Cell(name="B: bad", changes={"model/width": 8, "loss/lovasz": 1.0}, against="B: plain"),
    ),
)
DIFFERENCES = {
    "A: good": [3 / 64, 2 / 64, 4 / 64, 1 / 64, 3 / 64, 2 / 64],
    "B: bad": [-1 / 64, 1 / 64, -2 / 64, -1 / 64, 0.0, -3 / 64],
}
"""By seed. Network B is far better than A, also with the loss that makes it worse."""


def study(tmp_path: Path) -> AblationResults:
    ledger = fake.begin(fake_grid.plan(tmp_path, grid=GRID, correction="max_t"))
    for run in grid_runs(ledger.record.plan):
        base = GRID.baseline_of(run.cell)
        gain = DIFFERENCES.get(run.cell, [0.0] * 6)[run.seed]
        fake_grid.start(ledger, run)
        metrics = {"miou": BASE[base] + run.seed / 128 + gain}
        for epoch in range(1, fake.EPOCHS + 1):
            ledger.append(
                fake.EpochEnded(
                    trial=run.number, epoch=epoch, metrics=metrics, seconds=1.0, lane="lane"
                )
            )
        ledger.append(fake.Finished(trial=run.number, state="complete"))
    fake_grid.measure_all(ledger)
    return AblationResults(ledger.record)


def corrected(cells: dict[str, list[float]]) -> dict[str, float]:
    """Step-down max-T by hand: the signs of a seed's whole vector of differences are flipped."""

    def statistic(values: list[float], signs: tuple[int, ...]) -> float:
        total = sum(sign * value for sign, value in zip(signs, values, strict=True))
        return abs(total) / sum(value**2 for value in values) ** 0.5

    flips = list(itertools.product((1, -1), repeat=6))
    left = sorted(cells, key=lambda cell: -statistic(cells[cell], flips[0]))
    found, largest = dict[str, float](), 0.0
    while left:
        seen = statistic(cells[left[0]], flips[0])
        most = [max(statistic(cells[cell], signs) for cell in left) for signs in flips]
        largest = max(largest, sum(value >= seen - 1e-9 for value in most) / len(flips))
        found[left.pop(0)] = largest
    return found


def test_a_cell_is_compared_with_its_own_network_and_corrected_over_all(tmp_path: Path) -> None:
    results = study(tmp_path)
    (table, *_) = results.tables
    by_cell = {row.cell.name: row.comparison for row in table.rows}
    assert by_cell["A: plain"] is by_cell["B: plain"] is None
    expected = corrected(DIFFERENCES)
    for cell, differences in DIFFERENCES.items():
        compared = by_cell[cell]
        assert compared is not None
        assert compared.mean == pytest.approx(sum(differences) / 6)
        assert compared.p_corrected == pytest.approx(expected[cell])
    assert results.verdicts == {
        "A: plain": "baseline",
        "A: good": "better",
        "B: plain": "baseline",
        "B: bad": "undecided",
    }
    assert best_pair(table) == ["A: plain", "A: good"], "the largest gain, not the largest mean"
    assert best_pair(table, ["A: plain", "B: plain", "B: bad"]) == ["B: plain", "B: bad"]
    assert "its own baseline (`A: plain`, `B: plain`)" in protocol(results.record, table)
    assert "over all 2 comparisons" in protocol(results.record, table)
    assert "against its own baseline" in answer(results)
    text = reports.markdown(results.record, tmp_path)
    assert "| B: bad |" in text
    assert "Against its own baseline" in text


def test_intervals_over_images_are_of_the_own_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both cells of a network predict the same, and other images than the other network's."""
    record = study(tmp_path).record
    by_trial = {number: counts(ord(trial.cell[0])) for number, trial in record.trials.items()}
    found = SimpleNamespace(by_trial=by_trial)
    monkeypatch.setattr(image_bootstrap, "RESAMPLES", 20)
    monkeypatch.setattr(image_counts, "read_counts", lambda *of: found)
    intervals = image_bootstrap.over_images(StudyFolder(tmp_path), record)["miou"]
    assert intervals == {"A: good": [0.0, 0.0], "B: bad": [0.0, 0.0]}


def test_the_ledger_has_the_baselines_and_older_grids_are_as_they_were() -> None:
    assert grid_from_event(GRID.event()) == GRID
    assert all("against" not in cell for cell in fake_grid.GRID.event()["cells"])
    assert fake_grid.GRID.baselines == ["plain"]
    wrong = replace(GRID.cells[1], against="A: good, or none")
    with pytest.raises(ValueError, match="A: good: must be against a baseline"):
        replace(GRID, cells=(GRID.cells[0], wrong))
