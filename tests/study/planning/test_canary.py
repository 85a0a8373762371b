"""A plan names what it varies in vain, before anything runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution

from search_spaces import Cell, Dimension, Grid, Space
from study.analysis.health_of_plan import findings
from study.ledger.plan import Plan
from study.planning import canary
from tests.study import fake, fake_grid
from trainables.losses import terms


def searched(*paths: str) -> Space:
    wide = FloatDistribution(0.5, 2.0)
    dimensions = (Dimension(path=path, distribution=wide, why="?") for path in paths)
    return replace(fake.SPACE, dimensions=tuple(dimensions))


def of_cells(*cells: Cell) -> Plan:
    grid = Grid(name="g", question="?", source="s", baseline=cells[0].name, cells=cells)
    return fake_grid.plan(Path(), grid=grid)


PLAN = fake.plan(Path())


def test_a_searched_field_of_a_loss_that_is_off_is_read_by_nobody() -> None:
    assert canary.unread(PLAN, searched("loss/theta", "loss/lovasz"), 3) == ["loss/theta"]
    assert canary.unread(PLAN, searched("loss/theta", "loss/w_a"), 3) == []
    assert canary.unread(PLAN, searched("optim/lr"), 3) == []


def test_a_loss_that_starts_late_reads_its_fields() -> None:
    plain = Cell(name="plain", changes={})
    late = Cell(
        name="late",
        changes={"loss/w_a": 1.0, "loss/theta": 5.0, "loss/schedule": "w_a from 0.8"},
    )
    assert canary.unread(of_cells(plain, late), fake.SPACE, 3) == []
    off = replace(late, changes={**late.changes, "loss/w_a": 0.0})
    assert canary.unread(of_cells(plain, off), fake.SPACE, 3) == ["loss/theta"]


def test_a_loss_that_forgets_its_field_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    forgetful = replace(
        terms.TERMS["active_boundary"],
        compute=lambda config, prediction, target, learned: terms.active_boundary(
            prediction.logits_BKHW, target.labels_BHW
        ),
    )
    monkeypatch.setitem(terms.TERMS, "active_boundary", forgetful)
    space = searched("loss/theta", "loss/w_a")
    assert canary.unread(PLAN, space, 3) == ["loss/theta"]
    (found,) = findings(PLAN, space, ["loss/theta"])
    assert str(found).startswith("Varied, and read by no loss of the study: loss/theta. Turn")


def test_a_loss_that_refuses_the_made_up_prediction_is_no_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*given: object) -> terms.LossTerm:
        raise ValueError("not for me")

    broken = replace(terms.TERMS["active_boundary"], compute=refuse)
    monkeypatch.setitem(terms.TERMS, "active_boundary", broken)
    assert canary.unread(PLAN, searched("loss/theta", "loss/w_a"), 3) == []


def test_one_value_and_equal_cells_are_named() -> None:
    single = Dimension(path="optim/lr", distribution=FloatDistribution(0.1, 0.1), why="?")
    space = replace(fake.SPACE, dimensions=(single,))
    (found,) = findings(PLAN, space, [])
    assert found.seen == "searched, with one value to choose from: optim/lr"
    assert findings(PLAN, fake.SPACE, []) == []
    cells = [Cell(name="a", changes={}), Cell(name="b", changes={"loss/xe": 2.0})]
    assert findings(of_cells(*cells), fake.SPACE, []) == []
    at_the_default = Cell(name="c", changes={"loss/xe": 1.0})
    (same,) = findings(of_cells(*cells, at_the_default), fake.SPACE, [])
    assert same.seen == "a and c have the same config, so that their figures will be equal"


def test_a_refinement_that_no_test_applies_is_varied_in_vain() -> None:
    plain = Cell(name="plain", changes={})
    longer = Cell(name="longer", changes={"segfix/steps": 2000})
    (found,) = findings(of_cells(plain, longer), fake.SPACE, [])
    assert str(found).startswith(
        "Varied, and read by no test of the study: segfix/steps. --set refine/method=segfix"
    )
    refined = replace(longer, changes={**longer.changes, "refine/method": "segfix"})
    assert findings(of_cells(plain, refined), fake.SPACE, []) == []
