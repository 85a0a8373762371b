"""Which figures of a paper a study may stand beside: those that were measured in the same way."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import GRIDS, Setup
from search_spaces.grid import grid_from_event
from study.analysis.comparability import comparable, differences, set_apart
from tests.study import fake_grid
from trainables.config import TrialConfig, Value, flatten

TABLE1 = GRIDS["active_boundary"]["table1"]
TABLE2 = GRIDS["active_boundary"]["table2"]
TABLE4 = GRIDS["inverseform"]["table4"]
DEEPLAB = TABLE1.setups[0]
CITYSCAPES = {"train": 2975, "val": 500, "test": 500}


def config(setup: Setup, **changes: Value) -> dict[str, Value]:
    renamed = {path.replace("__", "/"): value for path, value in changes.items()}
    return flatten(TrialConfig().changed({**setup.config, **renamed}))


def test_the_setup_s_own_config_and_lists_differ_in_nothing() -> None:
    assert differences(DEEPLAB, config(DEEPLAB), CITYSCAPES) == []
    # how it is trained is the user's question, not the measurement's
    trained = config(DEEPLAB, epochs=3, batch=2, loss__lovasz=1.0, data__crop_height=64)
    assert differences(DEEPLAB, trained, CITYSCAPES) == []


def test_how_segfix_is_trained_counts_where_it_refines() -> None:
    setup = GRIDS["active_boundary"]["table5"].setups[0]
    assert differences(setup, config(setup, segfix__network="hrnet_w18"), CITYSCAPES) == []
    refined = config(setup, segfix__network="hrnet_w18", refine__method="segfix")
    words = "segfix/network is hrnet_w18 here, hrnet_w48 there"
    assert differences(setup, refined, CITYSCAPES) == [words]


@pytest.mark.parametrize(
    ("changes", "images", "words"),
    [
        ({"model__network": "fpn"}, {}, "model/network is fpn here, deeplabv3_r50 there"),
        ({"model__weights": "none"}, {}, "model/weights is none here, imagenet there"),
        ({"data__dataset": "camvid"}, {}, "data/dataset is camvid here, cityscapes there"),
        ({"data__height": 512}, {}, "data/height is 512 here, 0 there"),
        ({"eval__scales": "0.5,1"}, {}, "eval/scales is 0.5,1 here, 1 there"),
        ({"eval__flip": True}, {}, "eval/flip is on here, off there"),
        ({"eval__window": "769"}, {}, "eval/window is 769 here, whole there"),
        ({"model__init": "/a.pt"}, {}, "model/init is /a.pt here, none there"),
        ({"data__test_list": "mine"}, {}, "data/test_list is mine here, none there"),
        ({}, {"test": 3}, "3 images of test here, 500 there"),
        ({}, {"train": 2678}, "2678 images of train here, 2975 there"),
    ],
)
def test_each_thing_that_decides_a_measurement_is_a_difference(
    changes: dict[str, Value], images: dict[str, int], words: str
) -> None:
    found = differences(DEEPLAB, config(DEEPLAB, **changes), {**CITYSCAPES, **images})
    assert found == [words]


def test_scales_tell_the_columns_of_a_table_apart(tmp_path: Path) -> None:
    single, multi = TABLE2.setups[:2]
    counts = {"train": 20210, "test": 2000}
    for setup in (single, multi):
        plan = fake_grid.plan(tmp_path, TABLE2, base=TrialConfig().changed(setup.config))
        assert comparable(plan, TABLE2, counts) == [setup.name]


def test_what_no_config_reaches_is_never_comparable(tmp_path: Path) -> None:
    ocr = TABLE4.setups[0]
    plan = fake_grid.plan(tmp_path, TABLE4, base=TrialConfig().changed(ocr.config))
    assert comparable(plan, TABLE4, None) == []
    reasons = {apart.name: apart.reason() for apart in set_apart(plan, TABLE4, None)}
    assert "Cityscapes' test labels, which only its server has" in reasons[ocr.name]
    assert "weights trained on Mapillary Vistas" in reasons["HMS, Cityscapes val, F+C"]
    assert "gscnn_wrn38 there" in reasons["GSCNN, Cityscapes val, F"]
    naive = reasons["Naive-student, Cityscapes test, F+C"]
    assert "WideResNet-41, which Edgewise does not have" in naive
    assert len(reasons) == 7


def test_a_cell_that_changes_the_network_counts(tmp_path: Path) -> None:
    cells = tuple(
        replace(cell, changes={**cell.changes, "model/width": 32, "model/network": "hrnet_w18"})
        if cell.name == "CE + IoU"
        else cell
        for cell in TABLE1.cells
    )
    grid = replace(TABLE1, cells=cells)
    plan = fake_grid.plan(tmp_path, grid, base=TrialConfig().changed(DEEPLAB.config))
    assert comparable(plan, TABLE1, CITYSCAPES) == [DEEPLAB.name]
    (apart,) = set_apart(plan, grid, CITYSCAPES)
    assert apart.differences == ("model/network is hrnet_w18 here, deeplabv3_r50 there",)


def test_setups_of_older_ledgers_are_names_and_stand_apart(tmp_path: Path) -> None:
    event = json.loads(json.dumps(TABLE1.event()))
    assert grid_from_event(event) == TABLE1
    del event["setups"]
    old = grid_from_event(event)
    plan = fake_grid.plan(tmp_path, old, base=TrialConfig().changed(DEEPLAB.config))
    (apart,) = set_apart(plan, old, CITYSCAPES)
    assert apart.title() == DEEPLAB.name
    assert apart.differences == ("how it was measured is not recorded",)
