"""Where the next trial's parameters come from: Optuna, told everything that the ledger knows.

Optuna's storage stays in memory: a persistent one runs ahead of Tune's own record and breaks a
restored search. A resumed study fills it from the ledger instead.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from study.analysis.pareto import layers
from study.ledger.usage import Usage

Value = bool | int | float | str
State = Literal["running", "complete", "pruned", "failed"]
FINAL: tuple[State, ...] = ("complete", "pruned", "failed")
"""States that a trial does not leave."""


@dataclass
class TrialRecord:
    """One trial. Metrics count from the last epoch it reached."""

    number: int
    id: str
    """Hash of the resolved config and the data."""
    params: dict[str, Value]
    """What the space chose."""
    config: dict[str, Value]
    """The whole config, by path."""
    started: float = 0.0
    state: State = "running"
    epochs: dict[int, dict[str, Any]] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    cell: str = ""
    """Of a grid: the cell; a search has none."""
    seed: int = 0
    phase: Literal["", "search"] = ""
    """``search``: it only helped to choose its cell's weights, and is in no comparison."""
    tested: dict[str, float | None] | None = None
    """Metrics on the test list, named ``test_...``; None if it was not measured there."""
    generation: int | None = None
    """Of NSGA-II, which breeds a trial from the generation before it."""
    reused: dict[str, Any] = field(default_factory=dict)
    """The earlier study and trial that this one was taken from, and its commit."""
    stages: tuple[str, ...] = ()
    """``kind-key`` of the learned parts that it looks through."""
    seconds: float = 0.0
    """Spent in epochs, over all attempts that counted."""

    @property
    def folder(self) -> str:
        """Name of what is kept of it in the study's folder."""
        return f"trial-{self.number:04d}"

    @property
    def last_epoch(self) -> int:
        return max(self.epochs, default=0)

    @property
    def whole(self) -> bool:
        """Whether it has run all its epochs."""
        return self.last_epoch >= int(self.config["epochs"])

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the last epoch."""
        found: dict[str, float] = self.epochs[self.last_epoch]["metrics"] if self.epochs else {}
        return found

    @property
    def lane(self) -> str:
        return str(self.epochs[self.last_epoch]["lane"]) if self.epochs else ""

    def value(self, objective: str) -> float | None:
        """The objective after the last epoch; None where there is none."""
        return self.metrics.get(objective)

    def values(self, objectives: Iterable[str]) -> list[float] | None:
        """All of these after the last epoch; None where one is missing."""
        found = [self.value(name) for name in objectives]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else None


@dataclass(frozen=True)
class InterruptedTrial:
    """A trial that an earlier attempt began and that goes on now."""

    number: int
    params: dict[str, Value]
    resume_from: str
    """Its last whole checkpoint; "" where it has none and starts again."""


@dataclass
class StudyRecord:
    """A whole study; ``apply`` is its only way to change."""

    plan: dict[str, Any] = field(default_factory=dict)
    trials: dict[int, TrialRecord] = field(default_factory=dict)
    stages: list[dict[str, Any]] = field(default_factory=list)
    awaited_stages: list[str] = field(default_factory=list)
    """``kind-key`` of the stages that a trial needs and of which nothing is recorded yet."""
    chosen: dict[str, Any] = field(default_factory=dict)
    """Of a grid whose cells are searched first: each cell's best trial and what it changes."""
    images: dict[str, Any] = field(default_factory=dict)
    """Of a grid, by metric: each cell's interval over resampled images."""
    ended: bool = False
    budget_spent: dict[str, float] | None = None
    """Hours used by kind, where the last attempt ended because the budget did."""
    spent: Usage = field(default_factory=Usage)
    first_time: float = 0.0
    last_time: float = 0.0

    def apply(self, event: Mapping[str, Any]) -> None:
        """Fold one event in."""
        self.first_time = self.first_time or event["time"]
        self.last_time = event["time"]
        self.spent.apply(event)
        getattr(self, f"_on_{event['event']}")(event)

    def _on_planned(self, event: Mapping[str, Any]) -> None:
        self.plan = {key: value for key, value in event.items() if key not in ("event", "time")}

    def _on_stage(self, event: Mapping[str, Any]) -> None:
        self.stages.append({key: event[key] for key in event if key not in ("event", "time")})
        name = f"{event['kind']}-{event['key']}"
        self.awaited_stages = [other for other in self.awaited_stages if other != name]

    def _on_started(self, event: Mapping[str, Any]) -> None:
        self.trials[event["trial"]] = TrialRecord(
            number=event["trial"],
            id=event["id"],
            params=event["params"],
            config=event["config"],
            started=event["time"],
            cell=event.get("cell", ""),
            seed=event.get("seed", event["config"].get("seed", 0)),
            reused=event.get("reused", {}),
            generation=event.get("generation"),
            phase=event.get("phase", ""),
            stages=tuple(event.get("stages", ())),
        )

        made = {f"{stage['kind']}-{stage['key']}" for stage in self.stages}
        self.awaited_stages += [
            name
            for name in self.trials[event["trial"]].stages
            if name not in made and name not in self.awaited_stages
        ]

    def _on_changed(self, event: Mapping[str, Any]) -> None:
        """It began again, from nothing, with another config (``--on-oom halve``)."""
        trial = self.trials[event["trial"]]
        trial.id, trial.config, trial.epochs, trial.seconds = event["id"], event["config"], {}, 0.0

    def _on_epoch(self, event: Mapping[str, Any]) -> None:
        trial = self.trials[event["trial"]]
        trial.epochs[event["epoch"]] = {
            "metrics": event["metrics"],
            "seconds": event["seconds"],
            "lane": event["lane"],
            "time": event["time"],
            "system": event.get("system", {}),
            "train_s": event.get("train_s"),
        }
        trial.seconds = sum(epoch["seconds"] for epoch in trial.epochs.values())

    def _on_finished(self, event: Mapping[str, Any]) -> None:
        self.trials[event["trial"]].state = event["state"]

    def _on_failed(self, event: Mapping[str, Any]) -> None:
        trial = self.trials[event["trial"]]
        trial.state = "failed"
        trial.failure = {key: event[key] for key in ("kind", "message", "traceback")}

    def _on_resumed(self, event: Mapping[str, Any]) -> None:
        """Epochs past the checkpoint that a trial goes on from were lost, and will come again."""
        self.ended, self.budget_spent = False, None
        if "budget" in event:
            self.plan["budget"] = event["budget"]
        for number, epoch in event["continue_after"].items():
            trial = self.trials[int(number)]
            trial.epochs = {key: trial.epochs[key] for key in trial.epochs if key <= epoch}

    def _on_chosen(self, event: Mapping[str, Any]) -> None:
        """From here on the cells are what their searches found."""
        self.chosen = event["cells"]
        cells = [
            {
                **cell,
                **(
                    {"changes": self.chosen[cell["name"]]["changes"]}
                    if cell["name"] in self.chosen
                    else {}
                ),
            }
            for cell in self.plan["grid"]["cells"]
        ]
        self.plan = {**self.plan, "grid": {**self.plan["grid"], "cells": cells}}

    def _on_tested(self, event: Mapping[str, Any]) -> None:
        self.trials[event["trial"]].tested = event["metrics"]

    def _on_images(self, event: Mapping[str, Any]) -> None:
        old = {event["metric"]: event["cells"]} if "metric" in event else {}
        self.images = event.get("metrics", old)

    def _on_budget_spent(self, event: Mapping[str, Any]) -> None:
        self.budget_spent = event["used"]

    def _on_lanes(self, event: Mapping[str, Any]) -> None:
        """Machines came or went: something to read in the ledger, nothing to fold."""

    def _on_waiting(self, event: Mapping[str, Any]) -> None:
        """Lanes found no room for a while: something to read, too."""

    def _on_ended(self, event: Mapping[str, Any]) -> None:
        self.ended = True

    @property
    def state(self) -> str:
        """Of the study as a whole."""
        if self.ended:
            return "ended"
        return "cut off" if self.budget_spent is None else "budget spent"

    @property
    def tested(self) -> dict[str, Any] | None:
        """The winner's metrics on the test list, with its number, once it was measured there."""
        best = self.best()
        if best is None or best.tested is None:
            return None
        return {"trial": best.number, "metrics": best.tested}

    @property
    def mark(self) -> str:
        """What the stages that this study trains are marked with; a resume keeps it."""
        return f"{self.plan['study']} {self.first_time:.3f}"

    def in_state(self, *states: State) -> list[TrialRecord]:
        return [trial for trial in list(self.trials.values()) if trial.state in states]

    @property
    def objectives(self) -> dict[str, str]:
        """``max`` or ``min`` by metric; the first is the plan's ``objective``."""
        several: dict[str, str] = self.plan.get("objectives", {})
        return several or {self.plan["objective"]: self.plan["mode"]}

    def compared(self) -> "StudyRecord":
        """The same study without the trials that only chose weights."""
        kept = {number: trial for number, trial in self.trials.items() if trial.phase == ""}
        return self if len(kept) == len(self.trials) else replace(self, trials=kept)

    def ranking(self) -> list[TrialRecord]:
        """Trials that have a value, best first; those that ran all epochs before pruned ones.

        Of several objectives the Pareto set comes first, then what is the set without it, and so
        on; within such a layer the first objective decides.
        """
        return [trial for _, trial in self._layered()]

    def _layered(self) -> list[tuple[int, TrialRecord]]:
        """The ranking, each trial with its layer; of one objective all are in the first."""
        modes = list(self.objectives.values())
        valued = [
            (values, trial)
            for trial in self.in_state("complete", "pruned")
            if (values := trial.values(self.objectives)) is not None
        ]
        several = len(modes) > 1
        layer_N = layers([values for values, _ in valued], modes) if several else [1] * len(valued)
        sign = -1 if modes[0] == "max" else 1
        rows = [
            ((trial.state != "complete", layer, sign * values[0], trial.number), trial)
            for layer, (values, trial) in zip(layer_N, valued, strict=True)
        ]
        return [(key[1], trial) for key, trial in sorted(rows, key=lambda row: row[0])]

    def front(self) -> list[TrialRecord]:
        """The winners of a search: its best trial, or of several objectives the Pareto set."""
        if len(self.objectives) > 1:
            return [trial for layer, trial in self._layered() if layer == 1]
        best = self.best()
        return [best] if best else []

    def best(self) -> TrialRecord | None:
        """The winner of a search, of several objectives the front's best in the first; a grid
        compares cells over seeds and has none."""
        return None if "grid" in self.plan else self.champion()

    def tied(self) -> int:
        """How many whole trials have the winner's very value, itself among them."""
        best, objective = self.best(), self.plan["objective"]
        if best is None or len(self.objectives) > 1:
            return 0
        whole = self.in_state("complete")
        return sum(trial.value(objective) == best.value(objective) for trial in whole)

    def champion(self) -> TrialRecord | None:
        """The trial whose network is kept for use: a search's winner, of a grid the single best."""
        return next(iter(self.ranking()), None)
