"""The metrics that can rank trials, and which designs and samplers support several of them."""

from collections.abc import Mapping

from study.planning.request import StudyRequest
from trainables.config import require
from trainables.metrics.catalog import METRICS, TRIMAP_WIDTHS_PX

OBJECTIVES = tuple(name for name, metric in METRICS.items() if metric.unit == "fraction")
"""Metrics that every trial measures and that can rank trials. No trial measures surface distances,
and the number of scored classes or contours says nothing about quality."""
_BANDS = tuple(name for name in OBJECTIVES if name.startswith("trimap_"))
_OF_AREA = ("miou", "pixel_accuracy", "dice")
GROUPS = {
    "area": ", ".join(_OF_AREA),
    "boundary": ", ".join(name for name in OBJECTIVES if name not in (*_OF_AREA, *_BANDS)),
    "around edges": f"trimap_miou_inside_Npx, trimap_miou_outside_Npx, N {TRIMAP_WIDTHS_PX[0]} to "
    f"{TRIMAP_WIDTHS_PX[-1]}",
}
"""The objectives by what they measure, as text."""
LISTED = "; ".join(f"{group}: {names}" for group, names in GROUPS.items())
_ONE_OBJECTIVE = ("cmaes",)
"""Samplers that support only one objective."""


def parse_objectives(text: str) -> dict[str, str]:
    """Parse ``miou,dice`` to ``{"miou": "max", "dice": "max"}``, in the given order.

    Raises:
        ValueError: a name is not among ``OBJECTIVES``, or is given twice.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        require(name in OBJECTIVES, "--objective", f"one of {LISTED}", name)
    if len(set(names)) < len(names):
        raise ValueError(f"--objective must name each metric once, got {text!r}")
    return {name: METRICS[name].direction for name in names}


def check_objectives(objectives: Mapping[str, str], request: StudyRequest, ablation: bool) -> None:
    """Raise a ValueError for a design, scheduler or sampler that supports only one objective.

    ASHA could rank by the first objective alone, but would then stop the trials that are best in
    another one, and the Pareto set would lose its ends.
    """
    if len(objectives) == 1:
        return
    given = f"got {len(objectives)}: {','.join(objectives)}"
    if ablation:
        raise ValueError(f"--objective of a grid must be one metric, {given}; its tables show all")
    if request.scheduler != "none":
        raise ValueError(
            f"--objective with --scheduler {request.scheduler} must be one metric, {given}; "
            f"it would stop trials by the first alone"
        )
    if request.sampler in _ONE_OBJECTIVE:
        raise ValueError(
            f"--objective with --sampler {request.sampler} must be one metric, {given}; "
            f"several need tpe, nsga2, gp or random"
        )
