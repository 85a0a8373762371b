"""The losses beside those of the four papers, against the outputs of public code."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from trainables.losses.affinity_field import affinity_field
from trainables.losses.boundary_dou import boundary_dou_loss
from trainables.losses.calibration import l1_ace
from trainables.losses.focal import focal_loss
from trainables.losses.hard_pixels import ohem_cross_entropy
from trainables.losses.jaccard import Average, averaged, jaccard_metric_loss, soft_overlap
from trainables.losses.overlap import dice_loss, tversky_loss
from trainables.losses.rmi import rmi
from trainables.losses.scnp import scnp, worst_neighbours
from trainables.losses.soft_cldice import soft_cldice, soft_skeleton
from trainables.losses.term import LossTerm
from trainables.losses.unified_focal import multiclass_unified_focal

pytestmark = golden.needs_golden

Loss = Callable[[Tensor, Tensor], LossTerm]


def released(loss: Callable[..., LossTerm], **settings: object) -> Loss:
    return partial(loss, variant="released", **settings)


unified = partial(released, multiclass_unified_focal, delta=0.6)
jaccard = partial(released, jaccard_metric_loss)
ohem = partial(released, ohem_cross_entropy)
tversky_of_jdt = partial(released, tversky_loss, per_image=False, smooth=1e-3)
CONFIGS: dict[str, dict[str, Loss]] = {
    "dice_focal_tversky": {
        "smp_dice_mc": partial(dice_loss, per_image=False),
        "monai_dice": released(dice_loss),
        "monai_dice_batch_nobg_sq": released(
            dice_loss, squared=True, classes="foreground", per_image=False
        ),
        "smp_jaccard_mc": partial(jaccard_metric_loss, average="dataset"),
        "smp_tversky_mc_0.3_0.7": partial(tversky_loss, per_image=False),
        "monai_tversky_0.3_0.7": released(tversky_loss, smooth=1e-5),
        "smp_focal_mc": partial(focal_loss, form="sigmoid"),
        "smp_focal_mc_alpha0.25": partial(focal_loss, form="sigmoid", alpha=0.25),
        "monai_focal_sigmoid": partial(focal_loss, form="sigmoid"),
        "monai_focal_sigmoid_alpha0.25": partial(focal_loss, form="sigmoid", alpha=0.25),
        "monai_focal_softmax": released(focal_loss),
    },
    "unified_focal": {
        "dice": released(dice_loss, smooth=1e-6),
        "tversky0.7": released(tversky_loss),
        "tversky0.3": released(tversky_loss, alpha=0.7, beta=0.3),
        "focal_tversky_0.7_0.75": released(tversky_loss, power=0.75),
        "focal_none_2": focal_loss,
        "sym_unified_0.5_0.6_0.5": unified(form="symmetric"),
        "asym_unified_0.5_0.6_0.5": unified(),
        "sym_unified_0.5_0.6_0.1": unified(gamma=0.1, form="symmetric"),
        "asym_unified_0.5_0.6_0.1": unified(gamma=0.1),
        "sym_ftl_0.7_0.75": unified(share=1.0, delta=0.7, gamma=0.75, form="symmetric"),
        "asym_ftl_0.7_0.75": unified(share=1.0, delta=0.7, gamma=0.75),
    },
    "jdt": {
        "hard_jaccard_D": jaccard(average="dataset"),
        "hard_jaccard_I": jaccard(average="image"),
        "hard_jaccard_C": jaccard(average="class"),
        "hard_dice_D": tversky_of_jdt(alpha=0.5, beta=0.5),
        "hard_tversky_D_0.3_0.7": tversky_of_jdt(),
        "focal2": focal_loss,
    },
    "rmi": {
        "rmi": released(rmi),
        "bce_only": released(rmi, share=1.0),
    },
    "boundary_dou": {"dou": released(boundary_dou_loss)},
    "cldice": {
        "cldice": released(soft_cldice),
        "cldice_nobg": released(soft_cldice, classes="foreground"),
    },
    "scnp": {"ns3/ce_dice": released(scnp), "ns5/ce_dice": released(scnp, size=5)},
    "ace": {
        "hard20": released(l1_ace),
        "hard20_nobg": released(l1_ace, classes="foreground"),
        "hard10_keepempty": released(l1_ace, bins=10),
        "soft20": released(l1_ace, binning="soft"),
        "soft20_nobg": released(l1_ace, binning="soft", classes="foreground"),
        "soft10": released(l1_ace, bins=10, binning="soft"),
    },
    "ohem": {
        f"{code}_t{threshold}_k{kept}": ohem(threshold=threshold, kept=kept)
        for code in ("hrnet_pidnet", "openseg")
        for threshold, kept in ((0.7, 50), (0.7, 400), (0.3, 1), (0.9, 100_000))
    },
}
"""By file and configuration, the variant that means the same. Not here: smp's log Dice, normalised
focal and Tversky to a power of the mean, monai's generalised Dice, Jaccard and unified focal (of
other definitions), JDT's log, gamma and L2 forms, and furnace's OHEM, which keeps all pixels where
fewer than ``kept`` are valid."""


@pytest.mark.parametrize("name", CONFIGS)
def test_value_and_gradient(name: str) -> None:
    arrays = golden.load(name)
    for config, loss in CONFIGS[name].items():
        cases = golden.keys_of(arrays, f"/{config}/loss")
        assert cases, config
        for case in cases:
            leaf = golden.logits(arrays[f"{case}/logits"])
            value = loss(leaf, golden.labels(arrays[f"{case}/target"])).value()
            key = f"{case}/{config}"
            expected = arrays[f"{key}/loss"], arrays[f"{key}/grad"]
            rtol = 1e-7 if leaf.dtype == torch.float64 else 1e-5
            golden.assert_equal_to_authors(value, leaf, *expected, rtol=rtol)


@pytest.mark.parametrize("average", ["dataset", "image", "class"])
def test_jaccard_of_soft_labels(average: Average) -> None:
    arrays = golden.load("jdt")
    config = f"soft_jaccard_{average[0].upper()}"
    for case in golden.keys_of(arrays, f"/{config}/loss"):
        leaf, soft = golden.logits(arrays[f"{case}/logits"]), arrays[f"{case}/soft_label"]
        everywhere = torch.ones(leaf[:, 0].shape, dtype=torch.bool)
        parts = soft_overlap(leaf, torch.from_numpy(soft), everywhere)
        present = torch.ones(parts[0].shape, dtype=torch.bool)
        term = averaged(*parts, present_BK=present, average=average, first=0, added=1e-3)
        key = f"{case}/{config}"
        expected = arrays[f"{key}/loss"], arrays[f"{key}/grad"]
        golden.assert_equal_to_authors(term.value(), leaf, *expected)


@pytest.mark.parametrize("iterations", [3, 10])
def test_soft_skeletons(iterations: int) -> None:
    arrays = golden.load("cldice")
    for case in golden.keys_of(arrays, "/target"):
        labels = golden.labels(arrays[f"{case}/target"])
        maps = {
            "pred": golden.logits(arrays[f"{case}/logits"]).detach().softmax(dim=1)[:, 1:2],
            "true": (labels == 1).double().unsqueeze(1),
        }
        for name, map_B1HW in maps.items():
            found = soft_skeleton(map_B1HW, iterations)[:, 0].numpy()
            expected = arrays[f"{case}/skel_{name}_it{iterations}"]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [3, 5])
def test_worst_neighbours(size: int) -> None:
    arrays = golden.load("scnp")
    for key in golden.keys_of(arrays, f"/ns{size}/out"):
        leaf = golden.logits(arrays[f"{key}/logits"])
        worst = worst_neighbours(leaf, golden.labels(arrays[f"{key}/target"]), size=size)
        np.testing.assert_array_equal(worst.detach().numpy(), arrays[f"{key}/ns{size}/out"])
        (worst * torch.arange(worst.numel()).double().cos().view_as(worst)).sum().backward()
        assert leaf.grad is not None
        expected = arrays[f"{key}/ns{size}/grad_cosprobe"]
        np.testing.assert_allclose(leaf.grad.numpy(), expected, rtol=0, atol=1e-12)


def test_affinity_field() -> None:
    arrays = golden.load("aaf")
    for case in golden.keys_of(arrays, "/target"):
        leaf = golden.logits(arrays[f"{case}/logits"])
        labels = golden.labels(arrays[f"{case}/target"])
        parts = [f"{case}/affinity/{part}" for part in ("edge", "not_edge")]
        loss, gradient = (sum(arrays[f"{part}/{x}"] for part in parts) for x in ("loss", "grad"))
        value = affinity_field(leaf, labels, variant="released").value()
        golden.assert_equal_to_authors(value, leaf, np.asarray(loss), np.asarray(gradient))
