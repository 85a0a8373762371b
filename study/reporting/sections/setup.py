"""The section that says how a study was run: enough to run it again."""

from statistics import median

from study.analysis import evaluation, gpu_settings, refinements, repetition
from study.analysis.training_budget import epochs_in_words
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.reporting.document import Points, Section
from study.reporting.values import formatted, sizes
from trainables.config import Value
from trainables.config.model import ON_ENCODER
from trainables.config.trial_id import is_of_trial
from trainables.config.words import counted

WAIT = "data_wait_percent"
_WAYS = {"data_processes": "by processes", "data_device_megabytes": "on the device"}


def section(record: StudyRecord) -> Section:
    """Network, data, training, machine, code and command, one line each."""
    facts = {
        "network": _network(record),
        "tasks": _tasks(record),
        "data": _data(record),
        "evaluated": evaluation.described(record.plan.base),
        "refined": ", ".join(refinements.methods(record.plan)),
        "training": f"{epochs_in_words(record.plan)}, batch {_shown(record, 'batch')}, "
        f"learning rate {_shown(record, 'optim/lr')}",
        "batches": _batches(record),
        "machine": _machine(record),
        "on GPUs": _on_gpus(record.plan),
        "commit": record.provenance.state,
        "command": f"`{record.provenance.command}`" if record.provenance.command else "",
    }
    return Section("How it was run", [Points([f"{k}: {v}" for k, v in facts.items() if v])])


def _network(record: StudyRecord) -> str:
    name, encoder = _shown(record, "model/network"), _shown(record, "model/encoder")
    on = f" on {encoder}" if set(ON_ENCODER) & set(_values(record, "model/network")) else ""
    start = f"pretrained weights: {_shown(record, 'model/weights')}"
    files = [str(value) for value in _values(record, "model/init") if value]
    whole = [name for name in files if not is_of_trial(name)]  # the report names these by trial
    return f"{name}{on}, {start}" + (f", then all of {', '.join(whole)}" if whole else "")


def _tasks(record: StudyRecord) -> str:
    """Which tasks the networks predict, by trial where they differ; "" for segmentation alone."""
    named = [str(value).replace(",", ", ") for value in _values(record, "task/tasks")]
    if set(named) <= {"semseg"}:
        return ""
    varied = _shown(record, "task/weighting")
    return " | ".join(named) + ("" if varied == "fixed" else f"; weighting {varied}")


def _data(record: StudyRecord) -> str:
    lists = ", ".join(f"{count} {split}" for split, count in record.data.images.items())
    if folds := record.data.folds:
        lists = f"{', '.join(str(fold['test']) for fold in folds)} tested by {len(folds)} folds"
    classes = counted(len(record.data.classes), "class", "classes")
    return f"`{record.data.dataset}`, {sizes(record.data.size)}, {classes}, images: {lists}"


def _batches(record: StudyRecord) -> str:
    """Who made the batches, and how long epochs waited for them; "" in older ledgers."""
    epochs = [epoch for trial in record.trials.values() for epoch in trial.epochs.values()]
    known = [epoch.system for epoch in epochs if WAIT in epoch.system]
    if not known:
        return ""
    ways = dict.fromkeys(
        next((words for name, words in _WAYS.items() if name in system), "by the trainings")
        for system in known
    )
    waits = [system[WAIT] for system in known]
    return (
        f"made {' and '.join(ways)}; epochs waited {median(waits):.1f} % of their training for "
        f"them, at most {max(waits):.1f} %"
    )


def _machine(record: StudyRecord) -> str:
    """The first attempt's; its lanes may run on others."""
    plan, machine = record.plan, record.provenance.machine
    of_worker = [f"{plan.cpus_per_worker:g} CPU"]
    if plan.gpus_per_worker:
        of_worker.append(f"{plan.gpus_per_worker:g} GPU")
    lanes = f"{counted(plan.lanes, 'lane')} of {counted(plan.workers, 'worker')}"
    shape = f"{lanes} with {' and '.join(of_worker)} each"
    if not machine:
        return shape
    cores, gpus = machine.get("cpus"), machine.get("gpus")
    named = f", GPUs {gpus}" if gpus else ""
    has = f"{counted(int(cores), 'core') if cores else '-'}{named}"
    return f"{machine.get('system')}, {has}; {shape}"


def _on_gpus(plan: Plan) -> str:
    """The shared settings, and how equal a repetition is; "" for a study on CPUs."""
    if not plan.gpus_per_worker:
        return ""
    return f"{gpu_settings.in_words(plan.base)}; a repetition is {repetition.described(plan)}"


def _shown(record: StudyRecord, path: str) -> str:
    """A field's value; the range, or all values, where trials differ in it."""
    values = _values(record, path)
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(values) > 1 and len(numbers) == len(values):
        return f"{formatted(min(numbers))} .. {formatted(max(numbers))}, by trial"
    return ", ".join(map(formatted, values)) or "-"


def _values(record: StudyRecord, path: str) -> list[Value]:
    """The different values of a field over all trials; the plan's before the first trial."""
    configs = [trial.config for trial in record.trials.values()] or [dict(record.plan.base)]
    found = [config.get(path, record.plan.base.get(path)) for config in configs]
    return list(dict.fromkeys(value for value in found if value is not None))
