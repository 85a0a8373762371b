"""What a study with refinement needs of its plan and its images, said before anything runs."""

from collections.abc import Sequence

from search_spaces import Space
from study.ledger.plan import Plan
from study.planning.runs import grid_runs, searched_dimensions
from trainables.config import TrialConfig, from_flat, require
from trainables.config.later_fields import of_refinement
from trainables.config.pixels import described
from trainables.config.plugin_fields import PLUGIN
from trainables.data import Dataset
from trainables.metrics.catalog import METRICS

MOST_PIXELS = 2**14
"""Of an image whose pairs of pixels are computed one by one: half a minute an image."""


def check_plan(plan: Plan, space: Space) -> None:
    """Check that no search is over what only the test reads, and that a choice can be made.

    Raises:
        ValueError: a search varies refinement, or settings are tried by a figure that no
            refinement changes.
    """
    for dimension in searched_dimensions(plan, space):
        if of_refinement(dimension.path):
            raise ValueError(
                f"{dimension.path} must be the same in every trial of a search, got the search "
                f"over {dimension.bounds()}: validation, which ranks trials, is not refined; "
                f"dense_crf/tried tries settings of each trained network"
            )
    own, objective = METRICS.get(plan.objective), plan.objective
    segments = objective in PLUGIN.metrics or (own is not None and own.task == "semseg")
    for config in refined_configs(plan):
        one = f"1 with --objective {objective}, which refinement does not change"
        tried = config.dense_crf.tried
        chooses = config.refine.method == "dense_crf" and tried > 1
        require(segments or not chooses, "dense_crf/tried", one, tried)


def check_images(plan: Plan, dataset: Dataset) -> None:
    """Check that the refinements can read these images.

    Raises:
        ValueError: the colours are no bytes, or the images too large for the exact sums.
    """
    pixels = dataset.pixels
    for config in refined_configs(plan):
        if config.refine.method != "dense_crf":
            continue
        colours = pixels.bits == 8 and pixels.bands in (1, 3)
        what = f"none for images of {described(pixels.bands, pixels.bits)}: the kernels' widths "
        what += "are of 8-bit grey or RGB"
        require(colours, "refine/method", what, config.refine.method)
        if config.dense_crf.filter == "exact":
            rows, columns = largest(config, dataset)
            few = rows * columns <= MOST_PIXELS
            size = f"for images of {rows}x{columns}, more than {MOST_PIXELS} px"
            if config.dense_crf.variant == "paper":  # which needs the exact filter
                require(few, "dense_crf/variant", f"released {size}", "paper")
            require(few, "dense_crf/filter", f"lattice {size}", "exact")


def refined_configs(plan: Plan) -> Sequence[TrialConfig]:
    """The configs of the cells, or of the search, whose tests are refined."""
    configs = [from_flat(run.config) for run in grid_runs(plan)] or [plan.config]
    return [config for config in configs if config.refine.method != "none"]


def largest(config: TrialConfig, dataset: Dataset) -> tuple[int, int]:
    """Rows and columns of the largest image as the network sees it."""
    if config.data.height:
        return config.data.height, config.data.width
    sizes = [
        (int(rows), int(columns))
        for split in ("val", "test")
        for rows, columns in dataset.splits[split].sizes_N2
    ]
    return max(sizes, key=lambda size: size[0] * size[1])
