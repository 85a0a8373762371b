"""Live progress of a study: trials, lanes, the best trial so far, time left.

On a terminal it is a table that is redrawn; elsewhere (a job's log, CI) it is one line per event.
"""

import time
from pathlib import Path
from threading import Lock

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from study.analysis.confirmation import planned_trials
from study.analysis.provisional import leaning
from study.analysis.results import results_of
from study.analysis.training_budget import total_epochs
from study.analysis.units import unit_in
from study.ledger.events import (
    Changed,
    EpochEnded,
    Event,
    Finished,
    LanesChanged,
    LanesWaiting,
    Looked,
    StageReady,
    TrialFailed,
)
from study.ledger.record import StudyRecord
from study.ledger.trial_record import FINAL, TrialRecord
from study.planning.budget import outlook
from study.reporting.terminal.event_lines import event_line
from study.reporting.terminal.plain_table import plain_table
from study.reporting.values import measured_of, metric_value, parameters, with_unit
from trainables.config.words import counted
from trainables.stages.registry import stage_file

_ROWS = 12
_COUNTED = (Finished, TrialFailed)
"""Events whose line also says how far the study is and how long it will take."""
_ABOVE_TABLE = (StageReady, TrialFailed, LanesChanged, LanesWaiting, Changed, Looked)
"""Events that also leave a line above the live table."""
_STYLES = {"running": "yellow", "complete": "green", "pruned": "dim", "failed": "red"}


class LiveProgress:
    """A ledger listener that shows progress; a context manager, which draws the live table."""

    def __init__(self, console: Console, record: StudyRecord, stages: Path) -> None:
        """
        Args:
            console: the terminal, or the file to which output is redirected.
            record: the study so far; only this object may change it from now on.
            stages: the folder of the stages' files, which hold the progress of their training.
        """
        self._console, self._record, self._stages = console, record, stages
        self._lock = Lock()
        """Guards the record: another thread than the one that receives events draws the table."""
        self._first: tuple[float, int] | None = None
        """When the first epoch of this attempt ended, and how many had been done then. Earlier
        attempts may have had other lanes; and the start of lanes says nothing about epochs."""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self._task = self._bar.add_task("starting lanes", left="")
        self._live = Live(console=console, get_renderable=self.render, refresh_per_second=2)

    def __enter__(self) -> "LiveProgress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        terminal = self._console.is_terminal
        with self._lock:
            self._record.apply(event)
            if self._first is None and isinstance(event, EpochEnded) and not self._reused(event):
                self._first = time.monotonic(), self._epochs_done(here=True)
            if terminal and not isinstance(event, _ABOVE_TABLE):
                return  # the table is drawn twice a second, whatever the number of events
            line = event_line(event, self._record)
            if line and isinstance(event, _COUNTED) and not terminal:
                standing = filter(None, (self._trials_done(), self._time_left()))
                line = f"{line}; {', '.join(standing)}"
        if line:
            self._console.print(line, highlight=False, markup=False)

    @property
    def _total_epochs(self) -> int:
        record, plan = self._record, self._record.plan
        return round(total_epochs(plan) * planned_trials(record, plan) / plan.trials)

    def _trials_done(self) -> str:
        record = self._record
        if not record.trials:
            return "starting lanes"
        planned = planned_trials(record, record.plan)
        return f"{len(record.in_state(*FINAL))}/{counted(planned, 'trial')}"

    def _epochs_done(self, here: bool = False) -> int:
        """Epochs that ran or that pruning saved.

        Args:
            here: whether to leave out reused trials and shared epochs, which took no time.
        """
        return sum(
            (trial.last_epoch if trial.state == "running" else int(trial.config["epochs"]))
            - (trial.epochs_shared if here else 0)
            for trial in self._record.trials.values()
            if not (here and trial.reused)
        )

    def _reused(self, event: EpochEnded) -> bool:
        trial = self._record.trials[event.trial]
        return trial.reused is not None or event.epoch <= trial.epochs_shared

    def _time_left(self) -> str:
        if self._epochs_done() >= self._total_epochs:
            return "measuring on the test list, then the report"
        begin, before = self._first or (0.0, 0)
        new = self._epochs_done(here=True) - before if self._first else 0
        pace_s = (time.monotonic() - begin) / new if new > 0 else None
        left = self._total_epochs - self._epochs_done()
        return outlook(self._record, None if pace_s is None else pace_s * left, time.time())

    def render(self) -> RenderableType:
        """The live table, the best trial, the stages in training and the bar."""
        with self._lock:
            if self._record.planned is None:
                return self._bar
            self._bar.update(
                self._task,
                total=self._total_epochs,
                completed=self._epochs_done(),
                description=self._trials_done(),
                left=self._time_left(),
            )
            return Group(
                self._table(), self._best(), self._leaning(), self._stages_in_training(), self._bar
            )

    def _table(self) -> Table:
        record, best = self._record, results_of(self._record).best
        objectives, lanes = list(record.plan.objectives), _lane_numbers(record)
        table = plain_table("trial", "state", "epoch", *objectives, "parameters", "lane")
        for trial in list(record.trials.values())[-_ROWS:]:
            mark = " *" if best is not None and trial.number == best.number else ""
            table.add_row(
                f"{trial.number}{mark}",
                f"[{_STYLES[trial.state]}]{trial.state}[/]",
                f"{trial.last_epoch}/{trial.config['epochs']}",
                *self._values(trial),
                escape(parameters(trial)),
                lanes.get(trial.lane, ""),
            )
        return table

    def _values(self, trial: TrialRecord) -> list[str]:
        """The objectives; of a trial that has none of their tasks, the metric of its own first."""
        names = list(self._record.plan.objectives)
        values = [metric_value(name, trial.value(name)) for name in names]
        if not trial.metrics.keys() & set(names):
            own = measured_of(names[0], trial.config, trial.metrics)
            if own != names[0]:
                unit = unit_in(self._record, own)
                values[0] = f"{own} {with_unit(own, trial.value(own), unit)}"
        return values

    def _best(self) -> str:
        record, best = self._record, results_of(self._record).best
        if best is None:
            return ""
        objective = record.plan.objective
        value = with_unit(objective, best.value(objective), unit_in(record, objective))
        return f"best so far: trial {best.number}, {objective} {value}"

    def _leaning(self) -> str:
        """What the seeds so far speak for; no verdict."""
        found = [f"{escape(cell)} {word}" for cell, word in leaning(self._record).items()]
        return f"provisional, no verdict yet: {', '.join(found)}" if found else ""

    def _stages_in_training(self) -> str:
        awaited = self._record.awaited_stages
        shares = [(name, stage_file(name, self._stages).progress()) for name in awaited]
        return "\n".join(
            f"training stage {name}: {share:.0%}" for name, share in shares if share is not None
        )


def _lane_numbers(record: StudyRecord) -> dict[str, str]:
    """Short numbers for the lanes' names, by the order of their trials."""
    names = dict.fromkeys(trial.lane for trial in record.trials.values() if trial.lane)
    return {name: str(number) for number, name in enumerate(names, start=1)}
