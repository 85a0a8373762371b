"""Plots of many cells: no two named cells of one colour, no legend or panel that does not fit."""

from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from search_spaces import Cell
from study.analysis.results import AblationResults
from study.reporting.figures import draw
from study.reporting.figures.style import HUES, cell_groups, in_legend
from tests.study import fake_grid


def results(tmp_path: Path, cells: int) -> AblationResults:
    """A baseline and so many more cells; the later ones are better."""
    names = [f"cell_{place}" for place in range(cells)]
    more = (Cell(name=name, changes={"loss/ar": 0.01 * at}) for at, name in enumerate(names, 1))
    grid = replace(fake_grid.GRID, cells=(fake_grid.GRID.cells[0], *more))
    effects = {"plain": 0.0, **{name: place / 1024 for place, name in enumerate(names)}}
    with mock.patch.object(fake_grid, "EFFECT", effects):
        return AblationResults(fake_grid.ended_study(fake_grid.plan(tmp_path, grid)).record)


def with_terms(found: AblationResults) -> AblationResults:
    """Each cell's validation measured a term of its own."""
    for place, trials in enumerate(found.by_cell().values()):
        for trial in trials:
            for number, epoch in trial.epochs.items():
                metrics = {**epoch.metrics, "val/loss": 1.0, f"val/term_{place}": 1.0}
                trial.epochs[number] = replace(epoch, metrics=metrics)
    return found


def legend_of(figure: Figure) -> Legend:
    of_axes = [legend for axes in figure.axes if (legend := axes.get_legend()) is not None]
    (found,) = of_axes or figure.legends
    return found


def test_as_many_cells_as_colours_have_one_each(tmp_path: Path) -> None:
    groups = cell_groups(results(tmp_path, len(HUES)))
    assert len({group.hue for group in groups}) == len(HUES) + 1
    assert in_legend(groups) == groups


def test_of_more_cells_the_best_have_a_colour(tmp_path: Path) -> None:
    found = results(tmp_path, 30)
    groups = cell_groups(found)
    hues = [group.hue for group in groups]
    assert [group.name for group in groups] == list(found.by_cell())
    assert len(set(hues[:15])) == 2  # the baseline's black and grey
    assert hues[15:] == list(HUES)
    drawn = [group.name for group in in_legend(groups)]
    assert drawn[:14] == ["14 other cells", *["_"] * 13]
    assert drawn[14:] == ["plain", *(f"cell_{place}" for place in range(14, 30))]
    assert {id(group.trials) for group in groups} == {id(of.trials) for of in in_legend(groups)}


@pytest.mark.parametrize("name", ["learning_curves", "training"])
def test_the_legend_of_many_cells_fits(tmp_path: Path, name: str) -> None:
    figure = draw.of_ablation(with_terms(results(tmp_path, 30)))[name]
    assert figure is not None
    figure.draw_without_rendering()
    legend = legend_of(figure)
    assert len(legend.get_texts()) == 1 + 1 + len(HUES)
    box, whole = legend.get_window_extent(), figure.bbox
    assert whole.y0 <= box.y0 < box.y1 <= whole.y1
    assert box.x1 <= whole.x1
    rows = 8 if name == "training" else 1
    assert min(axes.get_window_extent().height for axes in figure.axes) > whole.height / rows / 2


def test_many_losses_are_drawn_in_rows(tmp_path: Path) -> None:
    figure = draw.of_ablation(with_terms(results(tmp_path, 9)))["training"]
    assert figure is not None
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[-1] == "learning rate"
    assert {f"validation: term_{place}" for place in range(10)} <= {*titles}
    places = [axes.get_subplotspec() for axes in figure.axes]
    columns = {place.colspan.start for place in places if place is not None}
    rows = {place.rowspan.start for place in places if place is not None}
    assert (len(columns), len(rows)) == (4, 3)
