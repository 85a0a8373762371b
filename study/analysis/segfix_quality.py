"""How good SegFix's network is, which decides whether refinement by it can help."""

from study.analysis.finding import Finding
from study.ledger.events import StageReady
from study.ledger.record import StudyRecord

KIND = "segfix"
_LEAST = 0.5
"""Of the directions; below it, most pixels that move read a wrong place."""


def quality(stage: StageReady) -> str:
    """In words, on the validation list; "" of another kind of stage."""
    if stage.kind != KIND:
        return ""
    near = stage.quality["boundary_iou"] or 0.0
    return f"IoU of pixels near a boundary {near:.1%}, right directions {_directions(stage):.1%}"


def _directions(stage: StageReady) -> float:
    """The share of right ones."""
    return stage.quality["direction_accuracy"] or 0.0


def poor(record: StudyRecord) -> list[Finding]:
    """The networks of which most directions are wrong."""
    stages = [stage for stage in record.stages if stage.kind == KIND]
    return [
        Finding(
            f"most directions of SegFix's network {stage.key} are wrong on the validation list: "
            f"{quality(stage)}",
            "train it longer or on larger crops (segfix/steps, segfix/crop), or with an HRNet: its "
            "verdict is of this network, not of SegFix",
        )
        for stage in stages
        if _directions(stage) < _LEAST
    ]
