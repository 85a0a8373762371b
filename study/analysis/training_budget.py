"""How much a study trains each network, in words."""

from collections.abc import Mapping

from study.ledger.plan import Plan
from trainables.config.words import counted


def training_budget(plan: Plan, images: Mapping[str, int]) -> str:
    """``5 epochs of 12 images, batch 2``.

    Args:
        plan: of the study.
        images: the number of images by split.
    """
    further = ""
    if count := images.get("extra", 0):
        first = plan.base["data/extra_epochs"]
        further = f", the first {first} of {counted(count, 'further image')} instead"
    return (
        f"{counted(plan.epochs, 'epoch')} of {counted(images.get('train', 0), 'image')}{further}, "
        f"batch {plan.base['batch']}"
    )


def for_each_cell(plan: Plan) -> str:
    """How that is spread over the cells: a second training comes on top of the first."""
    second = [f"{cell.name!r} (after {cell.after!r})" for cell in plan.design.cells if cell.after]
    if not second:
        return "the same for every cell"
    return f"the same for every cell, on top of a first training for {', '.join(second)}"
