"""A study without training: a ledger filled by an analytic trial."""

from dataclasses import replace
from pathlib import Path

import optuna

from search_spaces import SPACES
from study.ledger.design import Search
from study.ledger.events import (
    Ended,
    EpochEnded,
    Finished,
    Planned,
    Reused,
    Started,
    TrialFailed,
)
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.provenance import DataFacts, Provenance
from study.ledger.study_folder import StudyFolder
from study.ledger.trial_record import TrialRecord
from study.search.samplers import SeededByNumber
from trainables.config import TrialConfig, Value, flatten

SPACE = SPACES["inverseform"]
EPOCHS = 4


def plan(storage: Path, **changes: object) -> Plan:
    """A search of eight trials; ``trials``, ``sampler``, ``scheduler``, ``warm_start`` and
    ``confirm`` change its design, the other changes the plan. ``base`` may be a ``TrialConfig``."""
    design: dict[str, object] = {"trials": 8, "sampler": "random"}
    for name in ("trials", "sampler", "scheduler", "warm_start", "confirm"):
        if name in changes:
            design[name] = changes.pop(name)
    options: dict[str, object] = {
        "study": "fake",
        "space": SPACE.name,
        "question": SPACE.question,
        "design": Search(**design),  # type: ignore[arg-type]
        "base": TrialConfig().changed({**SPACE.base, "epochs": EPOCHS}),
        "objectives": {"miou": "max"},
        "seed": 0,
        "lanes": 2,
        "workers": 1,
        "cpus_per_worker": 1.0,
        "gpus_per_worker": 0.0,
        "storage": storage,
        "tracking_uri": f"sqlite:///{storage}/m.db",
        **changes,
    }
    if isinstance(base := options["base"], TrialConfig):
        options["base"] = flatten(base)
    return Plan(**options)  # type: ignore[arg-type]


def as_in_ledger(study_plan: Plan) -> Plan:
    """The plan as its ledger stores it: without where it runs."""
    return replace(study_plan, storage=Path(), tracking_uri="", most_lanes=0, places="")


def miou(params: dict[str, Value], epoch: int) -> float:
    """Best at gamma = 0.1 and large beta; rises with the epochs."""
    gamma, beta = float(params["loss/gamma"]), float(params["loss/beta"])
    return (1 - abs(gamma - 0.1)) * beta / (beta + 1) * epoch / EPOCHS


DATA = DataFacts(
    dataset="shapes",
    digest="d" * 16,
    classes=["a", "b"],
    size=[8, 8],
    images={"train": 1, "val": 1, "test": 1},
)


def begin(study_plan: Plan, data: DataFacts | None = None) -> Ledger:
    """Open the study's ledger and write its first event."""
    ledger = Ledger(StudyFolder.of(study_plan).ledger)
    ledger.append(
        Planned(
            plan=study_plan, data=data or DATA, provenance=Provenance(commit="c" * 40, dirty=False)
        )
    )
    return ledger


def params_of(study_plan: Plan, number: int) -> dict[str, Value]:
    """What random search draws for the trial of this number."""
    study = optuna.create_study(
        sampler=SeededByNumber(study_plan.design.sampler, study_plan.seed, study_plan.trials)
    )
    for _ in range(number):
        study.add_trial(optuna.create_trial(value=0.0))
    return SPACE.suggest(study.ask())


def start(
    ledger: Ledger, study_plan: Plan, number: int, reused: Reused | None = None
) -> TrialRecord:
    params = params_of(study_plan, number)
    config = {**study_plan.base, **params}
    key = f"{number:012x}"
    ledger.append(Started(trial=number, id=key, params=params, config=config, reused=reused))
    return ledger.record.trials[number]


def epoch(ledger: Ledger, trial: TrialRecord, number: int) -> None:
    value = miou(trial.params, number)
    metrics = {
        "miou": value,
        "pixel_accuracy": 0.5,
        "boundary_f_1px": value / 2,
        "boundary_f_3px": None,  # a metric that had nothing to score
        "train/loss": 1 - value,
    }
    ledger.append(
        EpochEnded(
            trial=trial.number,
            epoch=number,
            metrics=metrics,
            seconds=0.5,
            lane=f"lane-{trial.number % 2}",
            train_s=0.4,
            evaluate_s=0.1,
        )
    )


def complete(ledger: Ledger, study_plan: Plan, number: int) -> None:
    trial = start(ledger, study_plan, number)
    for done in range(1, EPOCHS + 1):
        epoch(ledger, trial, done)
    ledger.append(Finished(trial=number, state="complete"))


def prune(ledger: Ledger, study_plan: Plan, number: int) -> None:
    epoch(ledger, start(ledger, study_plan, number), 1)
    ledger.append(Finished(trial=number, state="pruned"))


def fail(ledger: Ledger, study_plan: Plan, number: int, kind: str = "diverged") -> None:
    epoch(ledger, start(ledger, study_plan, number), 1)
    ledger.append(
        TrialFailed(trial=number, kind=kind, message="the loss was not finite", traceback="")
    )


def ended_study(study_plan: Plan) -> Ledger:
    """An ended study: six complete trials, one pruned, one failed."""
    ledger = begin(study_plan)
    for number in range(6):
        complete(ledger, study_plan, number)
    prune(ledger, study_plan, 6)
    fail(ledger, study_plan, 7)
    ledger.append(Ended())
    return ledger
