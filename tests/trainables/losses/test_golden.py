"""The released variants against the authors' own outputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.trainables import golden
from trainables.geometry.boundaries import VOID
from trainables.losses.active_boundary import active_boundary, boundary_distance, predicted_boundary
from trainables.losses.boundary_cross_entropy import (
    boundary_cross_entropy,
)
from trainables.losses.cross_entropy import (
    balanced_cross_entropy,
    edge_attention,
    frequency_weights,
)
from trainables.losses.generalised_dice import generalised_dice
from trainables.losses.hausdorff import hausdorff
from trainables.losses.inverse_form import inverse_form
from trainables.losses.kervadec import boundary_loss
from trainables.losses.lovasz import lovasz_hinge, lovasz_softmax
from trainables.losses.term import LossTerm

pytestmark = golden.needs_golden

ABL = golden.load("abl")
LOVASZ = golden.load("lovasz")
REGION = golden.load("boundary_loss")
INVERSE_FORM = golden.load("inverseform")
HAUSDORFF = golden.load("hausdorff_dt")

ABL_SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "nodetach": {"detach": False},
    "ls0": {"label_smoothing": 0.0},
    "ratio5": {"max_ratio": 0.05},
    "clip5": {"theta": 5.0},
}
LOVASZ_SETTINGS: dict[str, dict[str, Any]] = {
    "present_ign255": {"per_image": False},
    "present_perimg_ign255": {"per_image": True},
    "all_ign255": {"per_image": False, "classes": "all"},
    "list01_ign255": {"per_image": False, "classes": [0, 1]},
    "present_noign": {"per_image": False},
}
REGION_LOSSES: dict[str, Callable[..., LossTerm]] = {
    "surface_int": lambda *args, **kwargs: boundary_loss(*args, truncate=True, **kwargs),
    "surface_float": boundary_loss,
    "gdl": generalised_dice,
}


def pairs(arrays: dict[str, np.ndarray], settings: Any) -> list[str]:
    keys = golden.keys_of(arrays, "/loss")
    return [key for key in keys if key.split("/")[-1] in settings]


@pytest.mark.parametrize("key", pairs(ABL, ABL_SETTINGS))
def test_active_boundary(key: str) -> None:
    case, settings = key.split("/")
    labels, logits = golden.labels(ABL[f"{case}/target"]), golden.logits(ABL[f"{case}/logits"])
    term = active_boundary(logits, labels, variant="released", **ABL_SETTINGS[settings])
    if ABL[f"{key}/is_none"]:
        term.value().backward()
        assert logits.grad is not None
        assert (term.value().item(), logits.grad.any().item()) == (0.0, False)
        return
    golden.assert_equal_to_authors(term.value(), logits, ABL[f"{key}/loss"], ABL[f"{key}/grad"])


@pytest.mark.parametrize("key", golden.keys_of(ABL, "/pred_boundary"))
def test_active_boundary_maps_bit_for_bit(key: str) -> None:
    case = key.split("/")[0]
    labels, logits = golden.labels(ABL[f"{case}/target"]), torch.from_numpy(ABL[f"{case}/logits"])
    logits = F.interpolate(logits, size=labels.shape[1:], mode="bilinear", align_corners=True)
    predicted = predicted_boundary(logits, labels, 0.01, "released")
    np.testing.assert_array_equal(predicted.numpy(), ABL[f"{key}/pred_boundary"])
    distance = boundary_distance(labels, "released")
    np.testing.assert_array_equal(distance.numpy(), ABL[f"{key}/dist_map"])
    np.testing.assert_array_equal(distance[predicted].numpy(), ABL[f"{key}/weight"])


@pytest.mark.parametrize("key", pairs(LOVASZ, LOVASZ_SETTINGS))
def test_lovasz_softmax(key: str) -> None:
    case, settings = key.split("/")
    labels, logits = (
        golden.labels(LOVASZ[f"{case}/target"]),
        golden.logits(LOVASZ[f"{case}/logits"]),
    )
    size = labels.shape[1:]
    inputs = logits if logits.shape[2:] == size else F.interpolate(logits, size, mode="bilinear")
    term = lovasz_softmax(inputs, labels, variant="released", **LOVASZ_SETTINGS[settings])
    golden.assert_equal_to_authors(
        term.value(), logits, LOVASZ[f"{key}/loss"], LOVASZ[f"{key}/grad"]
    )


@pytest.mark.parametrize("key", pairs(LOVASZ, ("hinge_perimg_ign255", "hinge_batch_ign255")))
def test_lovasz_hinge(key: str) -> None:
    case, settings = key.split("/")
    labels, logits = golden.labels(LOVASZ[f"{case}/target"]), LOVASZ[f"{case}/logits"]
    binary = torch.where(labels == VOID, VOID, (labels == 1).long())
    leaf = golden.logits(logits[:, 1] - logits[:, 0])
    term = lovasz_hinge(leaf, binary, per_image="perimg" in settings, variant="released")
    golden.assert_equal_to_authors(term.value(), leaf, LOVASZ[f"{key}/loss"], LOVASZ[f"{key}/grad"])


@pytest.mark.parametrize(("suffix", "classes"), [("all", "all"), ("fg", "foreground")])
@pytest.mark.parametrize("name", REGION_LOSSES)
@pytest.mark.parametrize("case", golden.keys_of(REGION, "/target"))
def test_boundary_loss_and_generalised_dice(
    case: str, name: str, suffix: str, classes: str
) -> None:
    labels, logits = (
        golden.labels(REGION[f"{case}/target"]),
        golden.logits(REGION[f"{case}/logits"]),
    )
    term = REGION_LOSSES[name](logits, labels, classes=classes, variant="released")
    key = f"{case}/{name}_{suffix}"
    golden.assert_equal_to_authors(
        term.value(), logits, REGION[f"{key}/loss"], REGION[f"{key}/grad"]
    )


@pytest.mark.parametrize(("suffix", "classes"), [("", "all"), ("_nobg", "foreground")])
@pytest.mark.parametrize("case", golden.keys_of(HAUSDORFF, "/hd_a2/loss"))
def test_hausdorff_on_both_sides_of_a_boundary(case: str, suffix: str, classes: Any) -> None:
    labels = golden.labels(HAUSDORFF[f"{case}/target"])
    logits = golden.logits(HAUSDORFF[f"{case}/logits"])
    key = f"{case}/hd_a2{suffix}"
    golden.assert_equal_to_authors(
        hausdorff(logits, labels, classes=classes).value(),
        logits,
        HAUSDORFF[f"{key}/loss"],
        HAUSDORFF[f"{key}/grad"],
    )


def inverse_form_case(case: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Segmentation logits and labels, boundary logits and boundary."""
    given = {
        name: INVERSE_FORM[f"in/{case}/{name}"]
        for name in ("seg_logits", "seg_target", "edge_logits")
    }
    boundary = torch.from_numpy(INVERSE_FORM[f"edge_gt/{case}/edge_r2"])[:, 0] > 0
    edge_logits = golden.logits(given["edge_logits"][:, 0])
    return (
        golden.logits(given["seg_logits"]),
        golden.labels(given["seg_target"]),
        edge_logits,
        boundary,
    )


@pytest.mark.parametrize("key", golden.keys_of(INVERSE_FORM, "/class_weights"))
def test_inverse_form_joint_parts(key: str) -> None:
    logits, labels, edge_logits, boundary = inverse_form_case(key.split("/")[1])
    weights = frequency_weights(labels, logits.shape[1], per_image=False)
    np.testing.assert_allclose(weights[0], INVERSE_FORM[f"{key}/class_weights"], rtol=1e-6)

    def compare(term: LossTerm, leaf: Tensor, part: str, gradient: str) -> None:
        expected = INVERSE_FORM[f"{key}/{part}/loss"], INVERSE_FORM[f"{key}/{part}/{gradient}"]
        golden.assert_equal_to_authors(term.value(), leaf, *expected)
        leaf.grad = None

    compare(balanced_cross_entropy(logits, labels, variant="released"), logits, "seg", "grad_seg")
    everywhere = torch.ones_like(boundary)
    boundary_term = boundary_cross_entropy(edge_logits, boundary, everywhere, variant="released")
    compare(boundary_term, edge_logits, "bce2d", "grad_edge")
    if np.isfinite(INVERSE_FORM[f"{key}/att/loss"]):
        compare(
            edge_attention(logits, labels, edge_logits, variant="released"),
            logits,
            "att",
            "grad_seg",
        )


def test_boundary_cross_entropy_with_void() -> None:
    target = torch.from_numpy(INVERSE_FORM["joint/bce2d_ignore/edge_target"])[:, 0]
    leaf = golden.logits(INVERSE_FORM["in/rand_2x5x64x96/edge_logits"][:, 0])
    term = boundary_cross_entropy(leaf, target == 1, target <= 1, variant="released")
    key = "joint/bce2d_ignore"
    expected = INVERSE_FORM[f"{key}/loss"], INVERSE_FORM[f"{key}/grad_edge"]
    golden.assert_equal_to_authors(term.value(), leaf, *expected)


def probe(predicted_NSS: Tensor, true_NSS: Tensor) -> Tensor:
    """The linear network that stands in for weights that are not public (the fixtures' README)."""
    inputs = torch.cat((predicted_NSS.flatten(1), true_NSS.flatten(1)), dim=1)
    place, output = torch.arange(inputs.shape[1]).double(), torch.arange(1, 5).double()
    weight = torch.cos(0.001 * output.unsqueeze(1) * place) / 224
    return inputs @ weight.to(inputs.dtype).T


SIGMOID_CASES = [key.split("/")[1] for key in INVERSE_FORM if key.startswith("it2d_sigmoid/")]


@pytest.mark.parametrize("case", sorted(set(SIGMOID_CASES)))
def test_inverse_form(case: str) -> None:
    _, _, edge_logits, boundary = inverse_form_case(case)
    term = inverse_form(
        edge_logits,
        boundary,
        torch.ones_like(boundary),
        network=probe,
        tile=224,
        tile_reduction="mean",
        variant="released",
        resize=(672, 1344),
    )
    key = f"it2d_sigmoid/{case}"
    expected = INVERSE_FORM[f"{key}/loss"], INVERSE_FORM[f"{key}/grad"]
    golden.assert_equal_to_authors(term.value(), edge_logits, *expected)
