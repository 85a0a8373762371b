"""Networks that predict one class on every image: they have learned nothing that can be compared.

Shape letters: N images, K classes; a last axis of 3 is true positives, false positives, false
negatives.
"""

from collections import Counter

from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from trainables.metrics import counts_file

MOST = 200
"""Networks whose counts are read, the first of a study: a file takes milliseconds."""


def one_class_alone(record: StudyRecord, folder: StudyFolder) -> str:
    """How many complete trials predict one class alone, and what to do; "" if none does.

    The counts of the validation list tell it, else those of the test list. A trial without counts,
    or with counts that cannot be read, is left out, and so is one whose images have one class.
    """
    looked, alone = 0, Counter[str]()
    for trial in record.compared().in_state("complete")[:MOST]:
        classes = _classes(folder, trial)
        if classes is None:
            continue
        predicted, true = classes
        looked += 1
        if len(predicted) == 1 and len(true) > 1:
            alone[_name(record, predicted[0])] += 1
    if not alone:
        return ""
    each = ", ".join(f"{count} of {looked} predict {name} alone" for name, count in alone.items())
    return f"{each}: train longer or raise optim/lr"


def _classes(folder: StudyFolder, trial: TrialRecord) -> tuple[list[int], list[int]] | None:
    """The classes that a network predicts anywhere, and those that are there."""
    path = folder.counts_of(trial, "val") or folder.counts_of(trial, "test")
    if path is None:
        return None
    try:
        overlap_K3 = counts_file.load(path).overlap_NK3.sum(dim=0)
    except (ValueError, FileNotFoundError):
        return None
    agreed_K, wrong_K, missed_K = overlap_K3.unbind(dim=-1)
    predicted, true = (agreed_K + wrong_K).nonzero(), (agreed_K + missed_K).nonzero()
    return predicted.flatten().tolist(), true.flatten().tolist()


def _name(record: StudyRecord, number: int) -> str:
    classes = record.data.classes
    return classes[number] if number < len(classes) else f"class {number}"
