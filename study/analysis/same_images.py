"""Whether a study chooses something on the very images that judge it, and what.

A winner looks better on the images that chose it than on others. The papers choose and report on
one list where the labels of another are not public; a study may too, and then says so.
"""

from collections.abc import Mapping

from study.analysis import refinements
from study.ledger.design import WINNER, Ablation, Search
from study.ledger.plan import Plan
from trainables.config import Value
from trainables.config.words import counted
from trainables.training.best_epoch import both_are_tested

_BEST = "best"


def chosen(design: Search | Ablation, base: Mapping[str, Value]) -> list[str]:
    """What a study, or an earlier one that it repeats, chooses on the validation list."""
    if isinstance(design, Search):
        found = ["the winner"]
    else:
        rerun = {WINNER: "the winner, by its search", "control": "each loss, by earlier searches"}
        known = {cell.name for cell in design.cells} | {design.grid.name}
        found = [words for name, words in rerun.items() if name in known]
        if design.search_trials:
            found.append("what each cell's search decides")
    kinds = {cell.changes.get("eval/checkpoint") for cell in design.cells}
    if _BEST in {*kinds, base.get("eval/checkpoint")}:
        found.append("the epoch of each network")
    elif both_are_tested(base):
        found.append("the epoch of each network beside the verdict")
    if refinements.chooses(base, [cell.changes for cell in design.cells]):
        found.append("the settings of each dense CRF")
    return found


def cautions(plan: Plan, shared: Mapping[str, int], images: Mapping[str, int]) -> list[str]:
    """What a reader must know where images that train or choose also judge; none where none do.

    Args:
        plan: of the study.
        shared: by split, how many images of the test list it has too.
        images: the number of images by split.
    """
    lines, total = list[str](), images.get("test", 0)
    if count := max(shared.get("train", 0), shared.get("extra", 0)):
        lines.append(
            f"trained and measured on the same images: {_part(count, total)} of the test list "
            f"{'is' if count == 1 else 'are'} trained on, so that no figure is of unseen images"
        )
    if count := shared.get("val", 0):
        if what := chosen(plan.design, plan.base):
            lines.append(
                f"chosen and measured on the same images: {_part(count, total)} of the test list "
                f"chose {' and '.join(what)}, and flatter it; data/holdout=10 chooses on training "
                f"images instead"
            )
        else:
            lines.append(
                "validation and test have the same images, and nothing is chosen on them: every "
                "network is the one after its last epoch"
            )
    return lines


def _part(count: int, total: int) -> str:
    if count == total:
        return f"all {counted(count, 'image')}" if count > 1 else "the only image"
    return f"{count} of the {counted(total, 'image')}"


def said(plan: Plan, shared: Mapping[str, int], images: Mapping[str, int]) -> str:
    """``cautions`` as sentences that follow a text; "" without any."""
    return "".join(f" {line[0].upper()}{line[1:]}." for line in cautions(plan, shared, images))
