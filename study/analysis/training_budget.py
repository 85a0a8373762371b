"""How much a study trains each network, in words."""

from collections.abc import Mapping

from study.ledger.plan import Plan
from trainables.config import Value
from trainables.config.words import counted


def training_budget(plan: Plan, images: Mapping[str, int]) -> str:
    """``5 epochs of 12 images, batch 2, the same for every cell``.

    Args:
        plan: of the study.
        images: the number of images by split.
    """
    further = ""
    if count := images.get("extra", 0):
        first = plan.base["data/extra_epochs"]
        further = f", the first {first} of {counted(count, 'further image')} instead"
    of = f"{counted(images.get('train', 0), 'image')}{further}"
    if plan.design.folds:
        of = f"the other folds' images ({of} in the first fold)"
    cells: dict[tuple[Value, ...], list[str]] = {}
    for cell in plan.design.cells:
        each = tuple(cell.changes.get(name, plan.base[name]) for name in ("epochs", "batch"))
        cells.setdefault(each, []).append(cell.name)
    first = _first_trainings(plan)
    if len(cells) <= 1:
        epochs, batch = next(iter(cells), (plan.epochs, plan.base["batch"]))
        same = f"{counted(int(epochs), 'epoch')} of {of}, batch {batch}, the same for every cell"
        return f"{same}{first}"
    said = [
        f"{counted(int(epochs), 'epoch')}, batch {batch} ({', '.join(names)})"
        for (epochs, batch), names in cells.items()
    ]
    return f"differing between cells, of {of}: {'; '.join(said)}{first}"


def _first_trainings(plan: Plan) -> str:
    """The cells whose second training comes on top of a first."""
    second = [f"{cell.name!r} (after {cell.after!r})" for cell in plan.design.cells if cell.after]
    return f", on top of a first training for {', '.join(second)}" if second else ""


def epochs_in_words(plan: Plan) -> str:
    """``5 epochs``, or ``119 or 127 epochs`` where cells differ."""
    found = sorted({epochs for epochs, _ in _cells(plan)})
    return " or ".join([*map(str, found[:-1]), counted(found[-1], "epoch")])


def total_epochs(plan: Plan) -> int:
    """The epochs of all trials, if none is stopped early."""
    return sum(epochs * trials for epochs, trials in _cells(plan))


def _cells(plan: Plan) -> list[tuple[int, int]]:
    """The epochs of a trial, and how many trials have them: by cell, or of all in a search."""
    design = plan.design
    if not design.cells:
        return [(plan.epochs, plan.trials)]
    each = design.search_trials + len(design.units)
    return [(int(cell.changes.get("epochs", plan.epochs)), each) for cell in design.cells]
