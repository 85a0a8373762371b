"""Every published figure against the paper's own text."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from search_spaces import GRIDS, Cell, Grid
from trainables.data.layouts import cityscapes
from trainables.metrics.catalog import METRICS

PAPERS = Path(__file__).resolve().parents[3] / "shared" / "papers"
FILES = {
    "inverseform": "inverseform_cvpr2021.txt",
    "active_boundary": "active_boundary_loss_aaai2022.md",
    "semeda": "semeda_edge_aware_loss.md",
    "affinity": "affinity_regression_loss.txt",
}
_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-\d+)?")

_MARKS = re.compile(r"</?b>|\*\*|\([+-][\d.]+\)|\[\d+\]")
"""Bold figures, printed gains and references."""


def figures(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(_MARKS.sub("", text))]


def lines(space: str) -> list[list[float]]:
    """The numbers of each line; of a table that is printed one number a line, of two lines."""
    path = PAPERS / FILES[space]
    if not path.is_file():
        pytest.skip("the papers' texts lie beside the project in ../shared/papers only")
    found = [figures(line) for line in path.read_text().splitlines()]
    return [line for line in found if line]


def printed(metric: str, value: float) -> float:
    """As the paper prints it: in percent, unless it has the unit or is no share."""
    share = metric in METRICS and METRICS[metric].unit == "fraction"
    return round(100 * value, 4) if share else value


def rows() -> Iterator[tuple[str, str, str, str, list[float]]]:
    """Space, grid, cell, setup and the row's figures as printed, of every transcribed row."""
    for space, grids in GRIDS.items():
        for name, grid in grids.items():
            for cell in grid.cells:
                for setup, row in cell.published.items():
                    values = [printed(metric, value) for metric, value in row.items()]
                    yield space, name, cell.name, setup, values


def is_inside(values: list[float], line: list[float]) -> bool:
    """Whether the values stand in the line, in this order and without others between them."""
    return any(line[at : at + len(values)] == values for at in range(len(line)))


ROWS = [pytest.param(*row, id="-".join(row[:4])) for row in rows()]
ELSEWHERE = {
    ("affinity", "table2"),  # its cells of the table are split over lines
    ("semeda", "table2"),  # columns are setups, as fractions
    ("active_boundary", "table2"),  # both scales of a metric stand side by side
    ("active_boundary", "table6"),  # one scale a line
    ("active_boundary", "table7"),  # a column is a cell
    ("active_boundary", "table8"),
    ("active_boundary", "decay"),  # in the text
}


@pytest.mark.parametrize(("space", "grid", "cell", "setup", "values"), ROWS)
def test_every_row_of_figures_stands_in_the_paper(
    space: str, grid: str, cell: str, setup: str, values: list[float]
) -> None:
    text = lines(space)
    if (space, grid) not in ELSEWHERE:
        assert any(is_inside(values, line) for line in text), f"{cell}, {setup}: {values}"


def of(grid: Grid, metric: str, *setups: str) -> list[list[float]]:
    """By cell, a metric's figures in percent for these setups that have one."""
    return [
        [
            printed(metric, cell.published[setup][metric])
            for setup in setups
            if setup in cell.published and metric in cell.published[setup]
        ]
        for cell in grid.cells
    ]


def test_abl_table_2_has_single_then_multi_scale_of_each_network() -> None:
    text, grid = lines("active_boundary"), GRIDS["active_boundary"]["table2"]
    for network in ("OCR HRNet-W48, ADE20K val", "UperNet Swin-T, ADE20K val"):
        setups = (network, f"{network}, multi-scale")
        miou, accuracy = of(grid, "miou", *setups), of(grid, "pixel_accuracy", *setups)
        found = [a + b for a, b in zip(miou, accuracy, strict=True) if a]
        assert len(found) == 4
        for values in found:
            assert any(is_inside(values, line) for line in text), values


def test_abl_tables_5_and_6_are_those_of_every_class() -> None:
    text, grids = lines("active_boundary"), GRIDS["active_boundary"]
    classes = cityscapes.CLASSES
    count = 0
    for grid, metrics in (
        (grids["table5"], ("iou",)),
        (grids["table6"], tuple(f"boundary_f_davis_{px}px" for px in (1, 3, 5))),
    ):
        for cell in grid.cells:
            for setup, by_metric in cell.class_published.items():
                assert set(by_metric) == set(metrics)
                for metric, by_class in by_metric.items():
                    assert tuple(by_class) == classes
                    mean = cell.published[setup]["miou" if metric == "iou" else metric]
                    values = [round(100 * by_class[name], 4) for name in classes]
                    row = [*values, round(100 * mean, 4)]
                    assert any(is_inside(row, line) for line in text), (cell.name, metric)
                    # the printed mean is that of the printed classes
                    assert sum(values) / len(values) == pytest.approx(100 * mean, abs=0.11)
                    count += len(values)
    assert count == 114 + 171


def column(cell: Cell, setup: str, metric: str) -> float:
    return printed(metric, cell.published[setup][metric])


def test_abl_tables_7_and_8_have_a_cell_a_column() -> None:
    text, grids = lines("active_boundary"), GRIDS["active_boundary"]
    of_volumes = ("dice_volume", "hausdorff_volume")
    for name, metrics in (("table7", ("davis_j", "davis_f")), ("table8", of_volumes)):
        (setup,) = grids[name].setups
        for metric in metrics:
            values = [column(cell, setup.name, metric) for cell in grids[name].cells]
            values = [value / 100 for value in values] if metric == "dice_volume" else values
            rounded = [round(value, 4) for value in values]
            assert any(is_inside(rounded, line) for line in text), (metric, rounded)


def test_abl_s_decay_experiment_is_the_one_of_the_text() -> None:
    text = (
        " ".join((PAPERS / FILES["active_boundary"]).read_text().split())
        if lines("active_boundary")
        else ""
    )
    decay = GRIDS["active_boundary"]["decay"]
    steady, falling = (column(cell, decay.setups[0].name, "miou") for cell in decay.cells)
    assert f"mIoU {falling:.2f}% on the Cityscapes validation set with the FCN" in text
    assert f"comparable to the mIoU {steady:.2f}% trained with CE+IoU+ABL without" in text


def test_semeda_s_table_2_has_both_datasets_side_by_side() -> None:
    text, grid = lines("semeda"), GRIDS["semeda"]["table2"]
    names = [setup.name for setup in grid.setups]
    for cell in grid.cells:
        for pair in (names[:2], names[2:]):
            values = [cell.published[name]["miou"] for name in pair]
            assert any(is_inside(values, line) for line in text), (cell.name, values)


def test_semeda_s_gains_at_strict_boundaries_are_those_of_its_text() -> None:
    lines("semeda")
    cell = GRIDS["semeda"]["figure5"].cell("SEMEDA")
    (voc,), (scapes,) = (row.values() for row in cell.gains.values())
    text = " ".join((PAPERS / FILES["semeda"]).read_text().split())
    assert f"improvement is {100 * voc:.1f} pts on Pascal VOC and {100 * scapes:.1f} pts" in text


def test_ar_s_significance_test_is_its_table_2() -> None:
    numbers = {value for line in lines("affinity") for value in line}
    grid = GRIDS["affinity"]["table2"]
    for cell in grid.cells:
        for row in cell.published.values():
            assert set(row.values()) <= numbers, cell.name
    assert "from 0.187 to 0.165" in (PAPERS / FILES["affinity"]).read_text()


def test_every_table_of_the_papers_is_there() -> None:
    wanted = {
        "inverseform": {f"table{number}" for number in range(1, 6)},
        "active_boundary": {f"table{number}" for number in range(1, 9)} | {"decay"},
        "semeda": {"table1", "table2", "figure5"},
        "affinity": {"table1", "table2", "table3"},
    }
    for space, names in wanted.items():
        assert names <= set(GRIDS[space])
        for name in names:
            described = {setup.name for setup in GRIDS[space][name].setups}
            assert set(GRIDS[space][name].setup_names()) == described
