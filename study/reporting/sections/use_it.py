"""How to use a study's loss and network: the lines to paste, and a file that runs as it is."""

import yaml

from study.analysis.results import AblationResults, SearchResults, StudyResults
from study.ledger.design import WINNER
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.reporting.document import Block, Code, Prose, Section
from study.reporting.sections import use_tasks
from trainables import saved
from trainables.config import TrialConfig, from_flat
from trainables.losses.compose import TERMS, ever_active, needs_boundary_head, schedules_of
from trainables.networks.catalog import NETWORKS

SCRIPT = "use_it.py"
_TITLE = "Use it"
_SIDE = 128
"""Of the example's maps, where the study's images differ in their sizes."""


def section(results: StudyResults, folder: StudyFolder) -> Section:
    """The lines for a script of one's own; what is missing, where no network is saved."""
    trial = saved_trial(results, folder)
    if trial is None:
        words = "the study has not ended, or its network's checkpoint is gone"
        return Section(_TITLE, [Prose(f"There is nothing to use yet: {words}.")])
    config = config_of(trial)
    storage = str(folder.storage)
    loss = [
        "from edgewise import Loss",
        "",
        f"loss = Loss.from_study({folder.name!r}, storage={storage!r}{_more(config)})",
        *_schedule(config, "epoch  # completed ones, at the beginning of each"),
        f"value = loss({_arguments(config)})",
    ]
    network = [
        "from pathlib import Path",
        "from trainables import saved",
        "",
        f"network, config, classes = saved.load(Path({str(folder.model)!r}){_trust(config)})",
    ]
    if use_tasks.has_tasks(config):
        network += ["output = network(images)  # images float (B,3,H,W) in [0, 1]"]
        network += use_tasks.outputs(config)
        of_loss: list[Block] = [Prose(use_tasks.NO_LOSS)]
        whole = "it"
    else:
        what = "  # images float (B,3,H,W) in [0, 1]"
        network += _refiner(config, f"Path({str(folder.model)!r})")
        network += [f"labels = {_labels(config)}{what}"]
        words = f"The loss in a training of your own: {described(config)}."
        of_loss, whole = [Prose(words), Code("\n".join(loss))], "both"
    return Section(
        _TITLE,
        [
            Prose(standing(results, trial)),
            *of_loss,
            Prose("The network:"),
            Code("\n".join(network)),
            Prose(f"`{folder.model / SCRIPT}` has {whole} and runs as it is."),
        ],
    )


def config_of(trial: TrialRecord) -> TrialConfig | None:
    """A trial's config; None if it belongs to a plug-in that is not installed here."""
    try:
        return from_flat(trial.config)
    except ValueError:
        return None


def saved_trial(results: StudyResults, folder: StudyFolder) -> TrialRecord | None:
    """The trial whose network is in the study's ``model`` folder, by its config; None without one.

    It may not be today's champion: an older version may have saved it, or later verdicts differ.
    """
    path = folder.model / saved.CONFIG
    if not path.is_file():
        return None
    flat = yaml.safe_load(path.read_text())
    champion = [] if results.champion is None else [results.champion]
    for trial in [*champion, *results.record.trials.values()]:
        # Fields that only one of them has are of another version.
        if all(trial.decided_config.get(name, value) == value for name, value in flat.items()):
            return trial
    return None


def standing(results: StudyResults, trial: TrialRecord) -> str:
    """What the verdict says about the loss that is taken home, in one line."""
    if isinstance(results, SearchResults):
        return _of_winner(results, trial)
    assert isinstance(results, AblationResults)
    verdict = results.verdicts.get(trial.cell, "undecided")
    run = f"`{trial.cell}`, seed {trial.seed}, is the best single run"
    if verdict == "better":
        return f"`{trial.cell}` is better than the baseline; seed {trial.seed} is its best run."
    if verdict == "baseline":
        return f"No loss is shown to be better: {run}, and it is the baseline."
    return f"Not shown to be better: {run}, and the verdict on its cell is {verdict}."


def _of_winner(results: SearchResults, trial: TrialRecord) -> str:
    if results.best is None or trial.number != results.best.number:
        return f"Trial {trial.number} is not the winner: its network was saved before."
    compared = results.confirmation
    if compared is None or WINNER not in compared.verdicts:
        return f"Not tested: trial {trial.number} leads on one seed, the one that chose it."
    verdict = compared.verdicts[WINNER]
    if verdict == "better":
        return f"Trial {trial.number}, the winner, is better than its base on other seeds."
    return f"Not shown to be better: on other seeds the verdict on the winner is {verdict}."


def described(config: TrialConfig | None) -> str:
    """The loss's terms with their weights, and what is not part of it."""
    if config is None:
        return "with a plug-in's terms"
    weights = {name: TERMS[name].weight(config.loss) for name in ever_active(config.loss)}
    words = ", ".join(f"{name} {weight:.4g}" for name, weight in weights.items())
    words += f"; schedule: {config.loss.schedule}" if config.loss.schedule else ""
    return f"{words}; without {_auxiliary(config)}" if _auxiliary(config) else words


def _auxiliary(config: TrialConfig) -> str:
    """The heads that belong to the network, in words; "" without any."""
    builder = NETWORKS.get(config.model.network)
    weights = getattr(getattr(builder, "func", builder), "auxiliary_weights", ())
    if not weights or not config.model.auxiliary:
        return ""
    return f"the cross-entropies of {config.model.network}'s auxiliary heads"


def script(results: StudyResults, trial: TrialRecord, study: str) -> str:
    """A program that runs as it is: the loss on a random batch, then the network."""
    config, classes = config_of(trial), len(results.record.data.classes)
    if use_tasks.has_tasks(config):
        name = f'"""The network of the study {study}; runs where Edgewise is installed.'
        docstring = [name, "", _as_text(standing(results, trial)), '"""', ""]
        tasks = use_tasks.script(docstring, _trust(config), _size(config), config)
        return "\n".join(tasks) + "\n"
    rows, columns = _size(config)
    head = f"boundary_logits = torch.randn(2, {rows}, {columns})  # of a boundary head"
    lines = [
        f'"""The loss and the network of the study {study}; runs where Edgewise is installed.',
        "",
        _as_text(standing(results, trial)),
        '"""',
        "",
        "from pathlib import Path",
        "",
        "import torch",
        "from edgewise import Loss",
        "from trainables import saved",
        "",
        "FOLDER = Path(__file__).resolve().parent",
        "",
        f"# The loss: {_as_text(described(config))}.",
        f"loss = Loss.from_model(FOLDER{_more(config)})",
        f"logits = torch.randn(2, {classes}, {rows}, {columns}, requires_grad=True)"
        "  # of your network",
        f"labels = torch.randint({classes}, (2, {rows}, {columns}))  # 255 is void",
        *([head] if _reads_head(config) else []),
        *_schedule(config, "0  # completed epochs, at the beginning of each"),
        f"value = loss({_arguments(config)})",
        "value.backward()",
        'print(f"loss {value.item():.4f}")',
        "",
        f"# The network: images {use_tasks.images_of(config)}; it normalises them itself.",
        f"network, config, classes = saved.load(FOLDER{_trust(config)})",
        *_refiner(config, "FOLDER"),
        f"images = torch.rand(1, {use_tasks.bands_of(config)}, {rows}, {columns})",
        "with torch.inference_mode():",
        f"    found = {_labels(config)}",
        "print(f\"labels {tuple(found.shape)} of {', '.join(classes)}\")",
    ]
    return "\n".join(lines) + "\n"


def _refiner(config: TrialConfig | None, folder: str) -> list[str]:
    """The lines that make the refinement of the network's test; none without one."""
    if config is None or config.refine.method == "none":
        return []
    stages = f"saved.describe({folder}{_trust(config)}).stages"
    return [
        "from trainables.lane.refiner import saved_refiner_of",
        f"refine = saved_refiner_of(config, {stages})",
    ]


def _labels(config: TrialConfig | None) -> str:
    logits = "network(images).logits_BKHW"
    if config is not None and config.refine.method != "none":
        logits = f"refine(images, {logits})"
    return f"{logits}.argmax(dim=1)"


def _as_text(words: str) -> str:
    """In a program: on one line, and no end of a docstring."""
    return " ".join(words.replace("\\", "/").replace('"', "'").split())


def _size(config: TrialConfig | None) -> tuple[int, int]:
    if config is None:
        return _SIDE, _SIDE
    data = config.data
    return data.crop_height or data.height or _SIDE, data.crop_width or data.width or _SIDE


def _arguments(config: TrialConfig | None) -> str:
    return "logits, labels, boundary_logits" if _reads_head(config) else "logits, labels"


def _reads_head(config: TrialConfig | None) -> bool:
    return config is not None and needs_boundary_head(config.loss)


def _schedule(config: TrialConfig | None, value: str) -> list[str]:
    changes = config is not None and bool(schedules_of(config.loss))
    return [f"loss.epoch = {value}"] if changes else []


def _more(config: TrialConfig | None) -> str:
    """Further arguments: the epochs of a schedule, which are the reader's to change."""
    changes = config is not None and bool(schedules_of(config.loss))
    epochs = f", epochs={config.epochs}" if changes and config is not None else ""
    return epochs + _trust(config)


def _trust(config: TrialConfig | None) -> str:
    """A plug-in is executed on request only: whoever pastes the line reads it first."""
    return "" if config is not None and not config.parts else ", trust=False"
