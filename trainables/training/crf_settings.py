"""Which settings of a dense CRF fit a network: tried on the validation list.

Krähenbühl and Koltun (NIPS 2011, Sec. 5) and DeepLab (Chen et al., TPAMI 2018, Sec. 4.1) search the
appearance kernel's weight and widths on validation images; the grid has DeepLab's ranges of both
its versions, and smaller widths for smaller images.
"""

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product

from trainables.config.refine import DenseCRFConfig
from trainables.refinement.dense_crf import dense_crf
from trainables.refinement.refine import of_images
from trainables.training.best_epoch import best_epoch
from trainables.training.refinement import Refinement
from trainables.training.training import Training

WEIGHTS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Of the appearance kernel."""
SXY_PX = (10.0, 20.0, 30.0, 50.0, 80.0, 100.0)
SRGB = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0)


def settings_of(given: DenseCRFConfig) -> list[DenseCRFConfig]:
    """The given setting and ``tried - 1`` different ones of the grid, in a seeded order."""
    others = [setting for setting in _grid(given) if setting != given]
    random.Random(given.seed).shuffle(others)
    return [given, *others][: given.tried]


def _grid(given: DenseCRFConfig) -> Iterator[DenseCRFConfig]:
    for weight, sxy, srgb in product(WEIGHTS, SXY_PX, SRGB):
        yield replace(given, appearance_weight=weight, appearance_sxy=sxy, appearance_srgb=srgb)


def choose(training: Training, objective: str, mode: str) -> Refinement:
    """The refinement whose setting is the best on the validation list, the first of equal ones.

    Args:
        training: with the trained network.
        objective: a metric or a loss of ``Training.evaluate``.
        mode: ``max`` or ``min``.
    """
    settings, inputs = settings_of(training.config.dense_crf), training.config.data.input_names
    values = dict[int, float | None]()
    for place, setting in enumerate(settings):
        found = training.evaluate("val", refine=of_images(dense_crf(setting), inputs))
        values[place] = {**found.metrics, **found.losses}.get(objective)
    best = best_epoch(values, mode) or 0
    chosen = replace(settings[best], tried=1)
    flat = {f"dense_crf/{item.name}": getattr(chosen, item.name) for item in fields(chosen)}
    return Refinement(of_images(dense_crf(chosen), inputs), flat, values[best])
