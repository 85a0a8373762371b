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
