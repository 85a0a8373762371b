"""How the studies of docs/results.md ran: what each saw and took, and what repeats it."""

from collections.abc import Mapping, Sequence

from docs.results.archive import Archived
from docs.results.rates import of_record
from study.ledger.provenance import Provenance
from study.ledger.record import StudyRecord
from study.reporting.document import Points, Section, Sheet
from trainables.config.words import counted
from trainables.data.batches import num_batches

DATASETS: Mapping[str, str] = {
    "horses": "the Weizmann Horse Database: photographs with silhouettes, split 3:1:1 by place",
    "camvid": "CamVid: frames from a driving car, with its usual split",
    "cells": "white blood cells under a microscope (Dataset 1 of zxaoyou/segmentation_WBC), split "
    "3:1:1 by place",
    "davis": "12 whole films of DAVIS 2016's validation list, split by film",
    "animals": "the images of PASCAL VOC 2012 that show one of five animals, in seven classes "
    "(merge_classes.py), VOC's own split; void bands hold the nearest label, which is not "
    "ground truth",
    "clothing": "Clothing Co-Parsing: street photographs, 59 labels in eight classes "
    "(merge_classes.py), split 3:1:1 by place",
}
"""What each dataset is."""


def datasets(found: Sequence[Archived]) -> Points:
    """What each dataset is."""
    return Points([f"{study.dataset}: {DATASETS[study.dataset]}" for study in found])


def studies(found: Sequence[Archived]) -> Sheet:
    """What each study saw, and what it took."""
    head = ["study", "classes", "train, val, test", "size", "training", "rate", "runs", "took"]
    return Sheet(head, [_study(study) for study in found])


def _study(study: Archived) -> list[str]:
    record = study.record
    base, images = record.plan.base, record.data.images
    rows, columns = record.data.size
    steps = num_batches(images["train"], int(str(base["batch"])))
    return [
        study.name,
        str(len(record.data.classes)),
        ", ".join(str(images[split]) for split in ("train", "val", "test")),
        f"{columns}x{rows}",
        f"{base['epochs']} epochs of {steps} steps",
        _rates(record),
        _runs(study),
        f"{record.usage.seconds / 60:.0f} min",
    ]


def _rates(record: StudyRecord) -> str:
    rates = of_record(record)
    return " .. ".join(f"{rate:g}" for rate in dict.fromkeys((rates[0], rates[-1])))


def _runs(study: Archived) -> str:
    trials, design = list(study.record.trials.values()), study.record.plan.ablation
    states = {
        "did not complete": sum(trial.state != "complete" for trial in trials),
        "reused": sum(trial.reused is not None for trial in trials),
    }
    cells, seeds = counted(len(design.cells), "loss", "losses"), counted(len(design.seeds), "seed")
    stopped = len(trials) < design.total and study.record.ended
    decided = " (what is decided stops)" if stopped else ""
    planned = (
        f"{len(trials)} of {design.total}{decided}: {cells}, {design.search_trials} trials, {seeds}"
    )
    return "; ".join([planned, *(f"{count} {words}" for words, count in states.items() if count)])


def commands(found: Sequence[Archived]) -> Section:
    """Commits, commands and digests."""
    lines = [
        f"{study.name}: commit {study.record.provenance.state}, ledger sha256 {study.digest[:16]}"
        for study in found
    ]
    typed = [f"`{study.record.provenance.command}`" for study in found]
    machines = list(dict.fromkeys(_machine(study.record.provenance) for study in found))
    return Section("Commands", [Points(machines), Points(typed), Points(lines)])


def _machine(ran: Provenance) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in ran.packages.items())
    where = f"{ran.machine.get('system')}, {ran.machine.get('cpus')} cores"
    return f"machine: {where}; Python {ran.python}, {packages}"
