"""Studies of networks that follow an object: Table 7 of ABL, a grid of ours, their objective."""

from pathlib import Path

import pytest

from cluster.resources import Node
from search_spaces import GRIDS
from study.analysis.health_of_plan import findings
from study.commands import options
from study.ledger.plan import Plan
from study.planning.make_plan import plan_from_request
from study.planning.runs import grid_runs
from tests.study import fake
from trainables.config import from_flat

SPACE = ("--space", "active_boundary")
PRETRAINED = "no fine-tuning"


def planned(tmp_path: Path, *words: str) -> Plan:
    request = options.parse_request([*SPACE, *words, "--storage", str(tmp_path), "--seeds", "1"])
    return plan_from_request(request, [Node(cpus=8, gpus=0)])


def test_table_7_runs_on_stm_s_public_weights_alone(tmp_path: Path) -> None:
    table, data = ("--grid", "table7", "--recipe", "stm_davis2016"), ("--data", str(tmp_path))
    words = "needs weights of a whole network \\(--init FILE\\), which 'no fine-tuning' measures"
    with pytest.raises(ValueError, match=words):
        planned(tmp_path, *table, *data)

    weights = tmp_path / "STM_weights.pth"
    weights.write_bytes(b"")
    plan = planned(tmp_path, *table, *data, "--init", str(weights))

    runs = {run.cell: from_flat(run.config) for run in grid_runs(plan)}
    assert list(runs) == [PRETRAINED, "CE", "CE + IoU", "CE + IFKL", "CE + IABL"]
    assert {config.model.init for config in runs.values()} == {str(weights.resolve())}
    assert [cell for cell, config in runs.items() if not config.optim.train] == [PRETRAINED]
    config = runs["CE + IABL"]
    assert (config.loss.w_a, config.loss.lovasz, config.optim.lr) == (5.0, 1.0, 5e-8)
    # 1,000 steps of 4 clips
    assert config.data.train_images // config.batch * config.epochs == 1000
    assert plan.objective == "davis_jf"


def test_the_grid_of_moving_shapes_fine_tunes_one_network(tmp_path: Path) -> None:
    plan = planned(tmp_path, "--grid", "video", "--dataset", "moving_shapes")

    config = plan.config
    assert (config.model.network, config.data.clip) == ("stm_small", 3)
    after = {cell.name: cell.after for cell in plan.grid.cells}
    assert set(after.values()) == {"", PRETRAINED}
    assert after[PRETRAINED] == ""
    assert plan.objective == "davis_jf"
    assert findings(plan, fake.SPACE, []) == [], "cells that begin otherwise are not the same"


def test_photographs_are_compared_by_miou_as_before(tmp_path: Path) -> None:
    assert planned(tmp_path, "--grid", "table1").objective == "miou"
    given = planned(
        tmp_path, "--grid", "video", "--dataset", "moving_shapes", "--objective", "davis_f"
    )
    assert given.objective == "davis_f"


def test_the_published_figures_say_what_else_they_were_trained_on() -> None:
    (setup,) = GRIDS["active_boundary"]["table7"].setups
    assert "YouTube-VOS" in setup.needs
