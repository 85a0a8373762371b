"""What a study with refinement needs of its plan and its images, in one line each."""

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution

from search_spaces import SPACES, Cell, Dimension, Grid
from study.analysis.same_images import chosen
from study.planning import refinement_time
from study.planning.refinement_checks import check_images, check_plan
from tests.study import fake, fake_grid
from trainables.config import TrialConfig, Value
from trainables.config.pixels import Pixels
from trainables.data import Dataset, load

SPACE = SPACES["inverseform"]
REFINED: dict[str, Value] = {"refine/method": "dense_crf"}
SMALL: dict[str, Value] = {
    **{"data/train_images": 2, "data/val_images": 2, "data/test_images": 2},
    **{"data/height": 24, "data/width": 32},
}


def grid(**changes: Value) -> Grid:
    cells = (Cell(name="plain", changes={}), Cell(name="other", changes=changes))
    return Grid(name="g", question="?", source="-", baseline="plain", cells=cells)


def dimension(path: str, *choices: Value) -> Dimension:
    return Dimension(path=path, distribution=CategoricalDistribution(choices), why="mine")


@pytest.mark.parametrize(
    "searched",
    [dimension("refine/method", "none", "dense_crf"), dimension("dense_crf/steps", 1, 2)],
)
def test_a_search_over_refinement_is_refused(tmp_path: Path, searched: Dimension) -> None:
    space = replace(SPACE, dimensions=(*SPACE.dimensions, searched))
    check_plan(fake.plan(tmp_path, base=TrialConfig().changed(REFINED)), SPACE)
    with pytest.raises(ValueError, match=rf"{searched.path} must be the same .* got the search"):
        check_plan(fake.plan(tmp_path), space)


def test_nothing_is_chosen_by_a_figure_that_refinement_does_not_change(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path, grid(**REFINED), objectives={"ods_f": "max"})
    with pytest.raises(ValueError, match=r"dense_crf/tried must be 1 with --objective ods_f"):
        check_plan(plan, SPACE)
    check_plan(replace(plan, base={**plan.base, "dense_crf/tried": 1}), SPACE)


def images(**changes: Value) -> Dataset:
    return load(TrialConfig().changed({**SMALL, **changes}).data)


def test_images_must_be_colours_of_bytes(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path, grid(**REFINED), base=TrialConfig().changed(SMALL))
    check_images(plan, images())
    bands = replace(images(), pixels=Pixels(bands=7, bits=16))
    with pytest.raises(ValueError, match=r"refine/method must be none for images of 7 bands, 16"):
        check_images(plan, bands)
    check_images(
        fake_grid.plan(tmp_path, grid(**{"loss/gamma": 1.0}), base=TrialConfig().changed(SMALL)),
        bands,
    )


def test_exact_sums_are_for_small_images(tmp_path: Path) -> None:
    exact = grid(**REFINED, **{"dense_crf/filter": "exact"})
    check_images(fake_grid.plan(tmp_path, exact, base=TrialConfig().changed(SMALL)), images())
    large = TrialConfig().changed({**SMALL, "data/height": 129, "data/width": 128})
    plan = fake_grid.plan(tmp_path, exact, base=large)
    with pytest.raises(ValueError, match=r"dense_crf/filter must be lattice for .* 129x128"):
        check_images(plan, images())
    paper = grid(**REFINED, **{"dense_crf/filter": "exact", "dense_crf/variant": "paper"})
    with pytest.raises(ValueError, match=r"dense_crf/variant must be released for .* 129x128"):
        check_images(fake_grid.plan(tmp_path, paper, base=large), images())


def test_choosing_settings_on_the_test_list_is_said(tmp_path: Path) -> None:
    refined = fake_grid.plan(tmp_path, grid(**REFINED))
    assert chosen(refined.design, refined.base) == ["the settings of each dense CRF"]
    given = fake_grid.plan(tmp_path, grid(**REFINED, **{"dense_crf/tried": 1}))
    assert chosen(given.design, given.base) == []
    plain = fake_grid.plan(tmp_path, grid(**{"loss/gamma": 1.0}))
    assert chosen(plain.design, plain.base) == []


def test_the_plan_says_how_long_refinement_takes(tmp_path: Path) -> None:
    base = TrialConfig().changed(SMALL)
    plan, dataset = fake_grid.plan(tmp_path, grid(**REFINED), base=base), images()
    assert "each refined network" in refinement_time.line(plan, dataset)["dense CRF"]
    plain = fake_grid.plan(tmp_path, grid(**{"loss/gamma": 1.0}), base=base)
    assert refinement_time.line(plain, dataset) == {}


def test_time_grows_with_images_settings_and_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part that is timed takes a second, and is the complete image."""
    monkeypatch.setattr(refinement_time, "_timed", lambda config, dataset: (1.0, 24 * 32))
    given = TrialConfig().changed({**SMALL, **REFINED, "dense_crf/tried": 5})
    seconds, dataset = refinement_time.seconds_of, images()
    assert seconds(given, dataset) == 5 * 2 + 2
    assert seconds(given.changed({"dense_crf/tried": 1}), dataset) == 2
    double: dict[str, Value] = {"dense_crf/tried": 1, "data/height": 48}
    assert seconds(given.changed(double), dataset) == 2 * 2
    assert seconds(given.changed({**double, "dense_crf/filter": "exact"}), dataset) == 2 * 4
