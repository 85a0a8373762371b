"""The metrics that can rank trials, what they need, and the designs that support several."""

from collections.abc import Iterable, Mapping

from study.planning.request import StudyRequest
from trainables.config import Value, refused, require
from trainables.config.plugin_fields import PLUGIN
from trainables.metrics.catalog import METRICS, TRIMAP_WIDTHS_PX
from trainables.metrics.declared import built_in

OBJECTIVES = tuple(
    name for name, m in built_in().items() if not name.endswith("_scored") and not m.of_cells
)
"""Metrics that can rank trials. The number of scored classes, contours or surfaces says nothing
about quality, and Delta_m is none of one network."""
_USUAL = tuple(name for name in OBJECTIVES if not METRICS[name].needs)
_BANDS = tuple(name for name in _USUAL if name.startswith("trimap_"))
_OF_AREA = ("miou", "pixel_accuracy", "dice")
_OF_CALIBRATION = ("ece", "brier")


def _needing(need: str) -> str:
    """The objectives whose first need this is, as text."""
    return ", ".join(name for name in OBJECTIVES if METRICS[name].needs[-1:] == (need,))


GROUPS = {
    "area": ", ".join(_OF_AREA),
    "boundary": ", ".join(
        name for name in _USUAL if name not in (*_OF_AREA, *_OF_CALIBRATION, *_BANDS)
    ),
    "calibration": ", ".join(_OF_CALIBRATION),
    "around edges": f"trimap_miou_inside_Npx, trimap_miou_outside_Npx, N {TRIMAP_WIDTHS_PX[0]} to "
    f"{TRIMAP_WIDTHS_PX[-1]}",
    "distance": _needing("eval/surface"),
    "holes": _needing("eval/holes"),
    "volumes": _needing("volume"),
    "films": _needing("film"),
    "other tasks": ", ".join(name for name in OBJECTIVES if METRICS[name].task != "semseg"),
}
"""The objectives by what they measure, as text."""
LISTED = "; ".join(f"{group}: {names}" for group, names in GROUPS.items())
_ONE_OBJECTIVE = ("cmaes",)
"""Samplers that support only one objective."""


def parse_objectives(text: str) -> dict[str, str]:
    """Parse ``miou,dice`` to ``{"miou": "max", "dice": "max"}``, in the given order.

    Raises:
        ValueError: a name is neither among ``OBJECTIVES`` nor a plug-in's, or is given twice.
    """
    names = [name.strip() for name in text.split(",")]
    own = f"; your own: {', '.join(PLUGIN.metrics)}" if PLUGIN.metrics else ""
    for name in names:
        known = name in OBJECTIVES or name in PLUGIN.metrics
        require(known, "--objective", f"one of {LISTED}{own}", name)
    if len(set(names)) < len(names):
        raise ValueError(f"--objective must name each metric once, got {text!r}")
    return {name: METRICS[name].direction for name in names}


def measuring(
    objectives: Mapping[str, str], reported: Iterable[str], given: Mapping[str, Value]
) -> dict[str, Value]:
    """The config fields that let every trial measure the objectives, and a paper's metrics.

    Args:
        objectives: by name, their direction.
        reported: the metrics of the papers' figures that stand beside ours.
        given: the user's own fields, which decide about ``reported``.

    Raises:
        ValueError: a given field turns an objective off.
    """
    changes: dict[str, Value] = {}
    for name in (*objectives, *(name for name in reported if name in METRICS)):
        field = METRICS[name].field
        if field and given.get(field, True):
            changes[field] = True
        elif field and name in objectives:
            raise refused(field, f"true with --objective {name}, which it measures", given[field])
    return changes


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
