"""The config of a plan whose steps take the most memory."""

from search_spaces import Dimension, Space
from study.ledger.plan import Plan
from study.planning.disk import checkpoint_bytes, configs
from study.planning.runs import searched_dimensions
from trainables.config import TrialConfig, Value
from trainables.data import Dataset
from trainables.losses.compose import active_weights

_SIZES = ("batch", "data/crop_height", "data/crop_width")
"""Fields on which a step's memory depends and that trials of one study may differ in, beside those
of the network."""


def largest(plan: Plan, space: Space, dataset: Dataset) -> TrialConfig:
    """Of all cells, or of all that a search may draw, the largest by stored numbers x pixels x
    batch; of equal ones, that with the most losses."""
    highest = {
        dimension.path: _highest(dimension)
        for dimension in searched_dimensions(plan, space)
        if dimension.path in _SIZES
    }

    def order(config: TrialConfig) -> tuple[int, int]:
        given = dataset.num_classes, dataset.pixels, len(dataset.parts)
        stored = checkpoint_bytes(config, *given).running
        count = len(active_weights(config.loss))
        return stored * _pixels(config, dataset) * config.batch, count

    return max((config.changed(highest) for config in configs(plan, space)), key=order)


def _highest(dimension: Dimension) -> Value:
    distribution = dimension.distribution
    values = getattr(distribution, "choices", None) or (getattr(distribution, "high"),)  # noqa: B009
    return max(values, key=float)


def _pixels(config: TrialConfig, dataset: Dataset) -> int:
    data = config.data
    rows, columns = data.crop_height or data.height, data.crop_width or data.width
    if rows and columns:
        return rows * columns
    return int(dataset.splits["train"].sizes_N2.prod(axis=1).max())
