"""The model card of a saved network: what it is, what was measured, and what it is not for.

Its head is the front matter that Hugging Face reads.
"""

import yaml

from study.analysis.answer import answer
from study.analysis.image_bootstrap import of_one_network
from study.analysis.image_counts import read_counts
from study.analysis.results import AblationResults, SearchResults
from study.analysis.units import unit_in
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting import document
from study.reporting.document import Block, Points, Prose, Section
from study.reporting.sections import use_it, use_tasks
from study.reporting.values import formatted, percent, sizes, with_unit
from trainables.config import TrialConfig, flatten

CARD = "README.md"


def card(results: SearchResults | AblationResults, trial: TrialRecord, folder: StudyFolder) -> str:
    """The card of a trial's network as Markdown, front matter first."""
    front = yaml.safe_dump(_front(results, trial), sort_keys=False, allow_unicode=True)
    data, config = results.record.data, use_it.config_of(trial)
    network = str(trial.config.get("model/network", ""))
    parts: list[Block | Section] = [
        Section(results.record.plan.study, [Prose(answer(results)), Prose(_what(trial))], 1),
        Section("Use", [Prose(f"`{use_it.SCRIPT}` runs {_runs(config)}.")]),
        Section("Network and loss", [Prose(f"{network}{_inputs(config)}; {_loss(config)}.")]),
        Section(
            "Data",
            [
                Points(
                    [
                        f"dataset: `{data.dataset}`, {sizes(data.size)}, digest {data.digest}",
                        "images: " + ", ".join(f"{n} {split}" for split, n in data.images.items()),
                        f"classes by label: {', '.join(data.classes)}",
                    ]
                )
            ],
        ),
        Section("Measured", [Points(_measured(results, trial, folder))]),
        Section("Verdict", [Prose(use_it.standing(results, trial))]),
        Section("Settings", [Points(_settings(trial))]),
        Section("Licence", [Prose(_LICENCE)]),
        Section("Limits", [Points(_LIMITS)]),
    ]
    return f"---\n{front}---\n\n{document.markdown(parts, folder.model)}"


_LICENCE = (
    "This network has no licence of its own yet: what it may be used for follows from the licences "
    "of the images and labels above and of the pretrained weights, if any. Edgewise's code is "
    "under Apache-2.0, which says nothing about the weights."
)
_LIMITS = [
    "It was measured on the lists above alone: other cameras, places and sizes were not.",
    "It gives every pixel one of the classes, also where none of them is.",
    "Its figures are of one training; another seed gives others.",
]


def _runs(config: TrialConfig | None) -> str:
    return "the network" if use_tasks.has_tasks(config) else "the loss and the network"


def _inputs(config: TrialConfig | None) -> str:
    """The maps that the network needs beside the image; "" for none."""
    if config is None or not config.data.inputs:
        return ""
    return f", which receives images {use_tasks.images_of(config)}"


def _loss(config: TrialConfig | None) -> str:
    """The tasks, where there are several, and the terms of the loss."""
    if not use_tasks.has_tasks(config):
        return use_it.described(config)
    also = f", initially also {config.task.auxiliary}" if config.task.auxiliary else ""
    return f"tasks {config.task.tasks}{also}; terms of the segmentation and the edges: " + (
        use_it.described(config) or "none"
    )


def _what(trial: TrialRecord) -> str:
    cell = f", cell `{trial.cell}`, seed {trial.seed}" if trial.cell else ""
    return f"The network of trial {trial.number}{cell}, after {trial.measured_epoch} epochs."


def _front(results: SearchResults | AblationResults, trial: TrialRecord) -> dict[str, object]:
    record = results.record
    objective = record.plan.objective
    name = f"test_{objective}"
    value = (trial.tested or {}).get(name, trial.value(objective))
    split = "test" if name in (trial.tested or {}) else "validation"
    dataset = {"name": record.data.dataset, "type": record.data.dataset, "split": split}
    measured = {
        "task": {"type": "image-segmentation"},
        "dataset": dataset,
        "metrics": [{"type": objective, "name": objective, "value": value}],
    }
    return {
        "library_name": "edgewise",
        "pipeline_tag": "image-segmentation",
        "license": "unknown",
        "tags": ["image-segmentation", "semantic-segmentation", "edgewise"],
        "model-index": [{"name": record.plan.study, "results": [measured]}],
    }


def _measured(
    results: SearchResults | AblationResults, trial: TrialRecord, folder: StudyFolder
) -> list[str]:
    """The objective on both lists; on the test list with an interval over its images."""
    record, metric = results.record, results.record.plan.objective
    unit = unit_in(record, metric)
    value = with_unit(metric, trial.value(metric), unit)
    lines = [f"{record.data.list_name('val')}: {metric} {value}"]
    tested = (trial.tested or {}).get(f"test_{metric}")
    if tested is None:
        return [*lines, f"{record.data.list_name('test')}: not measured"]
    text = f"{record.data.list_name('test')}: {metric} {with_unit(metric, tested, unit)}"
    found = read_counts(folder, [trial], "test").by_trial.get(trial.number)
    interval = of_one_network(found).get(metric) if found is not None else None
    if interval is not None:
        low, high = (percent(value) for value in interval)
        text += f" ({low} to {high}: 95 % over resampled test images, of this one training)"
    return [*lines, text]


def _settings(trial: TrialRecord) -> list[str]:
    """The fields that differ from their defaults; ``config.yaml`` has all."""
    defaults = flatten(TrialConfig())
    own = {path: value for path, value in trial.config.items() if value != defaults.get(path)}
    shown = [f"`{path}` {formatted(value)}" for path, value in own.items() if path != "data/root"]
    return [*shown, "all others as in `config.yaml`"]
