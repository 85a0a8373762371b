"""Every loss of a study as a module and as a function: the same value, the same gradient."""

import copy
import inspect
import pickle
import re

import pytest
import torch

from tests.trainables.modules.scenes import CLASSES, learned, modules, scene, stage
from trainables.config import TrialConfig
from trainables.edgewise import losses as public
from trainables.losses.compose import TERMS, Prediction, Target
from trainables.modules import functions
from trainables.modules.loss_module import ClassLoss, HeadLoss, LossModule

NAMES = list(modules())


def test_every_term_of_a_study_is_a_module() -> None:
    assert {name.partition(" ")[0] for name in NAMES} == set(TERMS)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_the_study_s_term(name: str) -> None:
    module, fields = modules()[name]
    mine, theirs = scene(), scene()
    mine.loss(module).backward()
    config = TrialConfig().changed({f"loss/{key}": value for key, value in fields.items()}).loss
    prediction = Prediction(theirs.logits, theirs.boundary_logits)
    term = TERMS[name.partition(" ")[0]].compute(
        config, prediction, Target(theirs.labels, CLASSES), learned()
    )
    assert mine.loss(module) == term.value()
    term.value().backward()
    for leaf, expected in zip(mine.leaves(), theirs.leaves(), strict=True):
        assert (leaf.grad is None) == (expected.grad is None)
        if leaf.grad is not None and expected.grad is not None:
            assert torch.equal(leaf.grad, expected.grad)


def test_each_module_has_a_function_with_its_settings() -> None:
    kinds = {
        kind
        for kind in vars(public).values()
        if inspect.isclass(kind)
        and issubclass(kind, LossModule)
        and kind not in (LossModule, ClassLoss, HeadLoss)
    }
    calls = [call for call in vars(functions).values() if inspect.isfunction(call)]
    calls = [call for call in calls if call.__name__ in public.__all__]
    assert len(calls) == len(kinds) == 30
    for kind in kinds:
        [call] = [call for call in calls if (call.__doc__ or "").startswith(f"``{kind.__name__}(")]
        tensors = ["logits", "labels", "boundary_logits"][: 3 if issubclass(kind, HeadLoss) else 2]
        settings = list(inspect.signature(kind).parameters)
        assert list(inspect.signature(call).parameters) == [*tensors, *settings]
        assert kind.__doc__


def test_a_function_is_its_module() -> None:
    given = scene()
    value = public.active_boundary(given.logits, given.labels, theta=5.0, max_ratio=0.1)
    assert value == given.loss(public.ActiveBoundary(theta=5.0, max_ratio=0.1))
    found = public.semeda(given.logits, given.labels, stage=stage("edge_net"))
    assert found == given.loss(public.SEMEDA(stage=stage("edge_net")))
    head = public.edge_head(given.logits, given.labels, given.boundary_logits)
    assert head == given.loss(public.EdgeHead())


def test_a_boundary_head_may_have_its_channel() -> None:
    given, module = scene(), public.BoundaryCrossEntropy()
    channel = given._replace(boundary_logits=given.boundary_logits.unsqueeze(1))
    assert channel.loss(module) == given.loss(module)


def test_a_repr_has_what_differs_from_the_defaults() -> None:
    assert repr(public.ActiveBoundary()) == "ActiveBoundary()"
    short = public.ActiveBoundary(theta=5.0, ignore_index=-100)
    assert repr(short) == "ActiveBoundary(ignore_index=-100, theta=5.0)"


@pytest.mark.parametrize("name", ["active_boundary", "inverse_form", "edge"])
def test_a_copy_and_a_pickle_are_the_same_loss(name: str) -> None:
    module, given = modules()[name][0], scene()
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert given.loss(other) == given.loss(module)
        assert repr(other) == repr(module)


def test_a_frozen_network_stays_frozen() -> None:
    module = public.InverseForm(stage=stage("inverse_net")).train()
    assert module.training
    assert not module.network.training
    assert not [weight for weight in module.parameters() if weight.requires_grad]


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("ActiveBoundary", {"variant": "papr"}, "variant must be one of ('paper', 'released')"),
        ("LovaszSoftmax", {"on_nonfinite": "skip"}, "on_nonfinite must be one of"),
        ("SEMEDA", {"stage": "missing"}, "stage must be a file edge_net-KEY.pt, got 'missing'"),
        ("SEMEDA", {"stage": 3}, "stage must be a file, a folder or a StageNetwork, got 3"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    kind: str, settings: dict[str, str | int], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        getattr(public, kind)(**settings)
    assert "\n" not in str(caught.value)
