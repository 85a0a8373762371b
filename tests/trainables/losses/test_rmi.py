"""Region mutual information: the definition by loops, and the released code's other settings."""

from itertools import product
from math import log

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.trainables import golden
from tests.trainables.losses.test_contract import batch
from trainables.geometry.boundaries import VOID
from trainables.losses.rmi import Form, Pool, rmi


@golden.needs_golden
@pytest.mark.parametrize(
    ("config", "form", "pool"),
    [
        ("rmi_lambda_way0", "added", "average"),
        ("rmi_pool0", "mixed", "max"),
        ("rmi_pool2", "mixed", "resize"),
    ],
)
def test_the_released_settings(config: str, form: Form, pool: Pool) -> None:
    arrays = golden.load("rmi")
    cases = golden.keys_of(arrays, f"/{config}/loss")
    assert cases
    for case in cases:
        logits = golden.logits(arrays[f"{case}/logits"])
        labels = golden.labels(arrays[f"{case}/target"])
        value = rmi(logits, labels, form=form, pool=pool, variant="released").value().item()
        assert value == pytest.approx(float(arrays[f"{case}/{config}/loss"]), rel=1e-5)


def by_loops(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """(BCE, RMI) of one image without downsampling, from the definition."""
    prob, valid = logits.sigmoid().numpy(), (labels != VOID).numpy()
    classes, rows, columns = prob.shape
    cross_entropy = regions = 0.0
    for k in range(classes):
        p, y = prob[k] * valid, (labels == k).double().numpy()
        likelihood = np.where(y == 1, p, 1 - p)[valid]
        cross_entropy -= np.log(likelihood).sum() / valid.sum()
        vectors = [
            [[map_[i + a, j + b] for a, b in product(range(3), repeat=2)] for map_ in (p, y)]
            for i, j in product(range(rows - 2), range(columns - 2))
        ]
        of_p, of_y = (np.array([pair[n] for pair in vectors]) for n in (0, 1))
        of_p, of_y = of_p - of_p.mean(axis=0), of_y - of_y.mean(axis=0)
        eye = 5e-4 * np.eye(9)
        cross = of_y.T @ of_p
        rest = of_y.T @ of_y - cross @ np.linalg.inv(of_p.T @ of_p + eye) @ cross.T
        regions += 0.5 * np.linalg.slogdet(rest + eye)[1] / 9
    return cross_entropy, regions


def test_it_is_its_definition() -> None:
    logits, labels = batch(images=2, rows=6, columns=7)
    parts = [by_loops(logits[i].detach(), labels[i]) for i in range(2)]
    for share, form, second in ((0.5, "mixed", 0.5), (0.2, "mixed", 0.8), (0.2, "added", 0.2)):
        first = 1.0 if form == "added" else share
        expected = sum(first * bce + second * regions for bce, regions in parts) / 2
        term = rmi(logits, labels, share=share, form=form, downsampling=1)  # type: ignore[arg-type]
        assert term.count == 2
        assert term.value().item() == pytest.approx(expected, rel=1e-9)


def test_exact_and_absent_classes_have_a_value_in_closed_form() -> None:
    """With p = y, C - C (C + a)^-1 C + a is 2 a to first order; without y it is a: a = 5e-4."""
    labels = batch(images=1, rows=24, columns=24)[1].clamp(max=1)
    exact = torch.stack([labels == k for k in range(3)], dim=1).double() * 2e3 - 1e3
    found = rmi(exact, labels, share=0.0, downsampling=1).value().item()
    assert found == pytest.approx(2 * log(1e-3) / 2 + log(5e-4) / 2, abs=1e-3)
    noise = torch.randn(1, 1, 24, 24, dtype=torch.float64)
    absent = rmi(torch.cat((exact[:, :2], noise), dim=1), labels, share=0.0, downsampling=1)
    assert absent.value().item() == pytest.approx(found, abs=1e-9)
    worse = rmi(torch.zeros_like(exact), labels, share=0.0, downsampling=1).value().item()
    assert worse > found + 1


def test_a_large_certain_map_keeps_its_digits() -> None:
    """Covariances are sums: where an inverse is formed, the small diagonal is lost in them."""
    labels = torch.zeros(1, 256, 256, dtype=torch.int64)
    labels[:, 64:192, 64:192] = 1
    leaf = torch.stack([labels == k for k in range(2)], dim=1).float() * 2e3 - 1e3
    value = rmi(leaf.requires_grad_(), labels, downsampling=1).value()
    value.backward()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()
    # The square's neighbourhoods are of a few kinds alone: in all other directions y is constant.
    assert log(5e-4) / 2 <= value.item() <= log(1e-3) / 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"share": 1.5}, r"share must be in \[0, 1\], got 1.5"),
        ({"form": "sum"}, "form must be 'mixed' or 'added', got 'sum'"),
        ({"pool": "mean"}, "pool must be 'average', 'max' or 'resize', got 'mean'"),
        ({"downsampling": 0}, "downsampling must be >= 1, got 0"),
    ],
)
def test_a_setting_out_of_range_is_named(setting: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rmi(*batch(), **setting)  # type: ignore[arg-type]
