"""Losses and tasks that do not go together are refused in one line; others are not."""

import pytest

from trainables.config import LossConfig, TrialConfig, Value
from trainables.config.schedule import SCHEDULABLE
from trainables.losses.compose import TERMS
from trainables.losses.trial_terms import measured_of, names_of, of_labels, weights_of

EDGE: dict[str, Value] = {"data/targets": "edge,depth", "task/tasks": "semseg,edge"}
NO_CLASSES: dict[str, Value] = {"data/targets": "edge,depth", "task/tasks": "edge,depth"}


def config(**changes: Value) -> TrialConfig:
    return TrialConfig().changed({**NO_CLASSES, **changes})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"loss/w_a": 1.0}, "loss/w_a must be 0 without the task semseg, or task/boundary_on"),
        ({"loss/lovasz": 1.0}, "loss/lovasz must be 0 without the task semseg"),
        ({"loss/lambda_2": 1.0}, "loss/lambda_2 must be 0 without the task semseg"),
        (
            {"loss/edge_attention": 0.1, "task/boundary_on": "edge"},
            "loss/edge_attention must be 0 without the task semseg, got 0.1",
        ),
        ({"loss/boundary": "radius"}, "loss/boundary must be sobel with the task edge"),
    ],
)
def test_what_means_nothing_is_refused(changes: dict[str, Value], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        config(**changes)


@pytest.mark.parametrize("rule", SCHEDULABLE)
def test_without_classes_every_loss_of_class_scores_is_refused(rule: str) -> None:
    """A network without the segmentation has scores of zero, which such a loss would train on."""
    reads_head = any(term.head(LossConfig()) for term in TERMS.values() if term.rule == rule)
    field = "lambda_1" if rule == "edge" else rule
    changes: dict[str, Value] = {f"loss/{field}": 0.5, "eval/terms": "none"}
    if reads_head and rule != "edge_attention":
        assert config(**changes)
    else:
        with pytest.raises(ValueError, match=f"loss/{field} must be 0 without the task semseg"):
            config(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss/w_a": 1.0, "loss/lambda_2": 1.0, "task/boundary_on": "edge"},
        {"loss/edge": "multi_task", "loss/lambda_1": 1.0},
        {"loss/gamma": 1.0, "loss/beta": 1.0, "loss/correlation": 1.0},
        {**EDGE, "loss/edge_attention": 0.1, "loss/w_a": 1.0},
    ],
)
def test_what_means_something_is_not(changes: dict[str, Value]) -> None:
    assert config(**changes)


def test_the_terms_are_the_tasks_and_the_losses_of_heads_that_are_there() -> None:
    moved: dict[str, Value] = {"task/boundary_on": "edge"}
    both = config(**moved, **{"loss/w_a": 1.0, "loss/gamma": 0.5})
    assert weights_of(both) == {
        "task_edge": 50.0,
        "task_depth": 1.0,
        "active_boundary": 1.0,
        "inverse_form": 0.5,
    }
    assert names_of(both) == ["inverse_form", "active_boundary", "task_edge", "task_depth"]
    weighed = config(**{**EDGE, "task/semseg": 0.5, "loss/xe": 3.0})
    assert weights_of(weighed) == {"cross_entropy": 1.5, "task_edge": 50.0}
    assert weights_of(TrialConfig()) == {"cross_entropy": 1.0}


def test_initial_predictions_have_a_weight_of_their_own() -> None:
    changes: dict[str, Value] = {
        "task/tasks": "semseg,depth",
        "task/auxiliary": "edge",
        "model/network": "pad_net",
        "task/initial": 0.5,
    }
    host = config(**changes)
    assert weights_of(host) == {
        "cross_entropy": 1.0,
        "task_depth": 1.0,
        "initial_semseg": 0.5,
        "initial_edge": 25.0,
        "initial_depth": 0.5,
    }
    assert measured_of(host) == ["task_depth"], "none of them are made in evaluation"


@pytest.mark.parametrize("name", ["cross_entropy", "active_boundary"])
def test_a_term_of_classes_is_not_measured_without_classes(name: str) -> None:
    with pytest.raises(ValueError, match=f"eval/terms must be a term of a task .*'{name}'"):
        measured_of(config(**{"eval/terms": name}))
    on_edge = config(**{"eval/terms": "active_boundary,task_edge", "task/boundary_on": "edge"})
    assert measured_of(on_edge) == ["active_boundary", "task_edge", "task_depth"]


def test_which_losses_see_labels() -> None:
    losses: dict[str, Value] = {"loss/gamma": 1.0, "loss/w_a": 1.0}
    assert of_labels(TrialConfig().changed(losses)) == [
        *("cross_entropy", "inverse_form", "active_boundary"),
    ]
    assert of_labels(config(**EDGE, **losses)) == ["cross_entropy", "active_boundary"]
    moved = config(**EDGE, **losses, **{"task/boundary_on": "edge"})
    assert of_labels(moved) == ["cross_entropy"]
