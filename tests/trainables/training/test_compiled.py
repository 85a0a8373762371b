"""`optim/compile`: compiled once per lane, and never silently not at all."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.trainables.training.test_training import config, training
from trainables.training import compiled, process_settings
from trainables.training.training import Training

ON = {"optim/compile": True}


@pytest.fixture
def dynamo() -> Iterator[None]:
    yield
    torch._dynamo.reset()


def run(changes: dict[str, float | str | bool]) -> Training:
    trained = training(config(**ON, **changes))
    trained.train_epoch()
    trained.evaluate()
    return trained


def graphs() -> int:
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


@pytest.mark.slow
def test_a_later_trial_of_a_lane_compiles_nothing(
    dynamo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Module, "compile", traced_alone)
    run({"seed": 1})
    first = graphs()
    assert first > 0
    run({"seed": 2, "optim/lr": 0.01, "loss/w_a": 1.0, "optim/optimizer": "sgd"})
    assert graphs() == first
    run({"model/width": 8})
    assert graphs() == 2 * first


@pytest.mark.slow
def test_the_limit_is_an_error_that_names_the_field(
    dynamo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's own limit has the next network run uncompiled, and says nothing to the study."""
    monkeypatch.setattr(nn.Module, "compile", traced_alone)
    monkeypatch.setattr(compiled, "MOST", 1)
    with pytest.raises(Exception, match="Hard failure") as caught:
        run({})  # its evaluation is a second one
    line = process_settings.explained(caught.value)
    assert line.startswith("optim/compile must be false: this lane has compiled 1 network")


def traced_alone(network: nn.Module) -> None:
    """Trace as always, and leave out the compiler, which takes minutes on a CPU."""
    network._compiled_call_impl = torch.compile(network._call_impl, backend="eager")
