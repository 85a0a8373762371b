"""The CRF against a loop over all pairs of pixels, and against the authors' outputs."""

import math
from dataclasses import replace
from itertools import product
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.trainables import golden
from trainables.config.refine import DenseCRFConfig
from trainables.refinement.dense_crf import dense_crf, kernels_of

GOLDEN = golden.load("densecrf")
Place = tuple[int, int, int]
"""Class, row and column."""
Variant = Literal["released", "paper"]
Filter = Literal["lattice", "exact"]
CASES = sorted({key.partition("/")[0] for key in GOLDEN})
KINDS = {
    "gauss": DenseCRFConfig(appearance_weight=0.0),
    "bilateral": DenseCRFConfig(appearance_sxy=20.0, smoothness_weight=0.0),
    "both": DenseCRFConfig(appearance_sxy=20.0),
}
SMALL = DenseCRFConfig(
    filter="exact", steps=3, appearance_sxy=2.0, appearance_srgb=60.0, smoothness_sxy=1.5
)


def scene(classes: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """An image of bytes in [0,1] and logits, float64."""
    draw = torch.Generator().manual_seed(0)
    image_1CHW = torch.randint(0, 256, (1, 3, rows, columns), generator=draw).double() / 255
    return image_1CHW, torch.randn(1, classes, rows, columns, generator=draw).double()


def by_loops(config: DenseCRFConfig, image_CHW: Tensor, logits_KHW: Tensor) -> NDArray[np.float64]:
    """Probabilities (K,H,W), written from the paper's Eqs. 1 to 4 and Algorithm 1."""
    classes, rows, columns = logits_KHW.shape
    pixels, colours = list(product(range(rows), range(columns))), image_CHW.numpy() * 255
    softmax = logits_KHW.softmax(dim=0).numpy()
    energy = {(k, *p): -math.log(max(softmax[k, *p], 1e-5)) for k in range(classes) for p in pixels}

    def normalised(values: dict[Place, float]) -> dict[Place, float]:
        sums = {p: sum(math.exp(-values[k, *p]) for k in range(classes)) for p in pixels}
        return {(k, *p): math.exp(-values[k, *p]) / sums[p] for k in range(classes) for p in pixels}

    def kernel(which: str, a: tuple[int, int], b: tuple[int, int]) -> float:
        apart = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2
        if which == "smoothness":
            return math.exp(-apart / (2 * config.smoothness_sxy**2))
        colour = float(((colours[:, *a] - colours[:, *b]) ** 2).sum())
        of_places, of_colours = 2 * config.appearance_sxy**2, 2 * config.appearance_srgb**2
        return math.exp(-apart / of_places - colour / of_colours)

    weights = {"smoothness": config.smoothness_weight, "appearance": config.appearance_weight}
    norms = {(w, p): sum(kernel(w, p, q) for q in pixels) for w in weights for p in pixels}
    found = normalised(energy)
    for _ in range(config.steps):
        total = dict(energy)
        for (which, weight), p, q in product(weights.items(), pixels, pixels):
            near = kernel(which, p, q)
            if config.variant == "released":
                near /= math.sqrt(norms[which, p] * norms[which, q])
            elif p == q:
                continue
            for label, other in product(range(classes), range(classes)):
                total[label, *p] += weight * near * found[other, *q] * (label != other)
        found = normalised(total)
    return np.array([[[found[k, r, c] for c in range(columns)] for r in range(rows)]
                     for k in range(classes)])  # fmt: skip


@pytest.mark.parametrize("variant", ["released", "paper"])
def test_exact_form_is_the_loop_over_all_pairs(variant: Variant) -> None:
    config = replace(SMALL, variant=variant, smoothness_weight=0.7, appearance_weight=1.3)
    image_1CHW, logits_1KHW = scene(3, 4, 5)
    found = dense_crf(config)(image_1CHW, logits_1KHW)[0].exp().numpy()
    expected = by_loops(config, image_1CHW[0], logits_1KHW[0])
    assert not np.allclose(expected, logits_1KHW[0].softmax(dim=0).numpy(), atol=0.05)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_lattice_has_no_form_without_normalisation() -> None:
    """Its kernels are too small: a pixel would hear less of itself than is subtracted again."""
    image_1CHW, _ = scene(2, 20, 24)
    given = DenseCRFConfig(smoothness_weight=0.0)
    ones_N1 = torch.ones(20 * 24, 1, dtype=torch.float64)
    sums = [
        kernels_of(replace(given, filter=each), image_1CHW[0])[0].filter(ones_N1).mean()
        for each in ("lattice", "exact")
    ]
    assert sums[0] < 0.8 * sums[1]
    with pytest.raises(
        ValueError, match=r"^dense_crf/filter must be exact with dense_crf/variant paper"
    ):
        replace(given, variant="paper")


def test_exact_sums_in_float32_are_those_in_float64() -> None:
    """Also far from the origin of narrow kernels, where squares are large."""
    image_1CHW, _ = scene(2, 2, 400)
    config = replace(SMALL, appearance_srgb=3.0, smoothness_sxy=0.5)
    values_NK = torch.rand(2 * 400, 2, dtype=torch.float64)
    for each, other in zip(
        kernels_of(config, image_1CHW[0]), kernels_of(config, image_1CHW[0].float()), strict=True
    ):
        found_NK = other.filter(values_NK.float())
        assert found_NK.dtype == torch.float32
        torch.testing.assert_close(found_NK.double(), each.filter(values_NK), rtol=1e-4, atol=0)


def refined(config: DenseCRFConfig, case: str) -> NDArray[np.float32]:
    image_1HWC = torch.from_numpy(GOLDEN[f"{case}/image"].copy())[None]
    logits_1KHW = torch.from_numpy(GOLDEN[f"{case}/probs"].copy()).log()[None]
    image_1CHW = image_1HWC.permute(0, 3, 1, 2).float() / 255
    found: NDArray[np.float32] = dense_crf(config)(image_1CHW, logits_1KHW)[0].exp().numpy()
    return found


@golden.needs_golden
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_lattice_is_the_authors(case: str, kind: str) -> None:
    for steps in (1, 5):
        found = refined(replace(KINDS[kind], steps=steps), case)
        np.testing.assert_allclose(found, GOLDEN[f"{case}/{kind}/Q_it{steps}"], atol=1e-5)


@golden.needs_golden
@pytest.mark.parametrize("case", CASES)
def test_ten_steps_on_the_lattice_are_the_authors(case: str) -> None:
    """In float64, too, eight of the 2600 values of one case differ from their float32 by 4e-5."""
    found, theirs = refined(KINDS["both"], case), GOLDEN[f"{case}/both/Q_it10"]
    apart = np.abs(found - theirs)
    assert (apart <= 1e-5).mean() >= 0.996
    assert apart.mean() < 1e-6
    np.testing.assert_array_equal(found.argmax(0), theirs.argmax(0))


@golden.needs_golden
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_exact_form_is_near_the_authors_lattice(case: str, kind: str) -> None:
    found = refined(replace(KINDS[kind], steps=5, filter="exact"), case)
    theirs = GOLDEN[f"{case}/{kind}/Q_it5"]
    assert np.abs(found - theirs).mean() <= 0.005
    assert (found.argmax(0) == theirs.argmax(0)).mean() >= 0.98


@pytest.mark.parametrize("filter_", ["lattice", "exact"])
def test_images_of_a_batch_do_not_meet(filter_: Filter) -> None:
    images_BCHW, logits_BKHW = (torch.cat([x, x.flip(-1)]) for x in scene(3, 5, 6))
    refine = dense_crf(replace(SMALL, filter=filter_))
    together = refine(images_BCHW, logits_BKHW)
    alone = refine(images_BCHW[1:], logits_BKHW[1:])
    torch.testing.assert_close(together[1:], alone)


@pytest.mark.parametrize("filter_", ["lattice", "exact"])
@pytest.mark.parametrize("bands", [1, 3])
def test_lone_pixel_of_another_class_follows_its_surroundings(filter_: Filter, bands: int) -> None:
    logits_1KHW = torch.zeros(1, 2, 9, 9)
    logits_1KHW[:, 0] = 1.0
    logits_1KHW[:, 1, 4, 4] = 2.0
    image_1CHW = torch.full((1, bands, 9, 9), 0.5)
    config = DenseCRFConfig(filter=filter_)
    assert dense_crf(config)(image_1CHW, logits_1KHW).argmax(dim=1).eq(0).all()
    image_1CHW[:, :, 4, 4] = 0.0  # its colour is another: the appearance leaves it alone
    edge = replace(config, smoothness_weight=0.0)
    assert dense_crf(edge)(image_1CHW, logits_1KHW).argmax(dim=1).sum() == 1


def test_a_lattice_that_is_too_fine_is_one_line() -> None:
    image_1CHW, logits_1KHW = scene(2, 5, 6)
    narrow = DenseCRFConfig(appearance_sxy=1e-3, appearance_srgb=1e-2)
    with pytest.raises(ValueError, match=r"^dense_crf/appearance_sxy and .* must be larger with"):
        dense_crf(narrow)(image_1CHW, logits_1KHW)
    assert dense_crf(replace(narrow, filter="exact"))(image_1CHW, logits_1KHW).isfinite().all()


def test_without_weights_nothing_changes() -> None:
    config = DenseCRFConfig(appearance_weight=0.0, smoothness_weight=0.0)
    image_1CHW, logits_1KHW = scene(3, 4, 5)
    found = dense_crf(config)(image_1CHW, logits_1KHW)
    torch.testing.assert_close(found, logits_1KHW.log_softmax(dim=1))


def test_void_and_certain_classes_stay_finite() -> None:
    image_1CHW, logits_1KHW = scene(3, 4, 5)
    found = dense_crf(SMALL)(image_1CHW, logits_1KHW * 1e4)
    assert found.isfinite().all()


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("appearance_srgb", 0.0, "0 < width <= 10000"),
        ("smoothness_weight", -1.0, "0 .. 10000"),
        ("steps", 0, "1 .. 1000"),
        ("filter", "fast", "lattice or exact"),
    ],
)
def test_mistake_is_one_line(field: str, value: object, allowed: str) -> None:
    with pytest.raises(ValueError, match=f"dense_crf/{field} must be .*got") as caught:
        DenseCRFConfig(**{field: value})  # type: ignore[arg-type]
    assert allowed.split(" or ")[0] in str(caught.value)
