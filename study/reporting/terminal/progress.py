"""The live picture in the terminal: trials, lanes, best so far, time left.

On a terminal a table that is redrawn; elsewhere (a job's log, CI) one line an event.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from study.ledger.record import StudyRecord
from study.planning.budget import outlook
from study.reporting.values import parameters, percent
from trainables.stages.registry import stage_file

_ROWS = 12
_COUNTED = ("finished", "failed")
"""Events whose line says how far the study is and when it will end."""
_TOLD_ALWAYS = ("stage", "failed", "lanes", "waiting", "changed")
"""Events that leave a line above the live table too."""
_STYLES = {"running": "yellow", "complete": "green", "pruned": "dim", "failed": "red"}


class LiveProgress:
    """A listener of the ledger. Use as a context manager around the run."""

    def __init__(self, console: Console, record: StudyRecord, stages: Path) -> None:
        """``stages`` is the folder of their files, which tell how far their training is."""
        self.console, self.record, self.stages = console, record, stages
        plan = record.plan
        self.total_epochs = plan["trials"] * plan["base"]["epochs"]
        self.begin = time.monotonic()
        self.ran_before = self._done(here=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
        )
        self.task = self.bar.add_task("starting lanes", total=self.total_epochs, left="")
        self.live = Live(console=console, get_renderable=self.render, refresh_per_second=2)

    def __enter__(self) -> "LiveProgress":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def __call__(self, event: Mapping[str, Any], record: StudyRecord) -> None:
        terminal = self.console.is_terminal
        if terminal and event["event"] not in _TOLD_ALWAYS:
            return  # the table is drawn twice a second, whatever the number of events
        if line := describe(event, record):
            if event["event"] in _COUNTED and not terminal:
                _, text, left = self._standing()
                line = f"{line}; {text}, {left}"
            self.console.print(line, highlight=False, markup=False)

    def _standing(self) -> tuple[int, str, str]:
        """Epochs done, trials done, and when it will end. Takes time with the number of trials."""
        record, done = self.record, self._done()
        over = len(record.in_state("complete", "pruned", "failed"))
        text = f"{over}/{record.plan['trials']} trials" if record.trials else "starting lanes"
        return done, text, self._left(done)

    def _training(self) -> str:
        """The stages that are being trained, and how far that is."""
        awaited = self.record.awaited_stages
        found = [(name, stage_file(name, self.stages).progress()) for name in awaited]
        return "\n".join(
            f"training stage {name}: {share:.0%}" for name, share in found if share is not None
        )

    def _done(self, here: bool = False) -> int:
        """Epochs done or saved by pruning; ``here``: without those of trials taken over."""
        epochs = self.record.plan["base"]["epochs"]
        return sum(
            trial.last_epoch if trial.state == "running" else epochs
            for trial in list(self.record.trials.values())
            if not (here and trial.reused)
        )

    def _left(self, done: int) -> str:
        new = self._done(here=True) - self.ran_before
        pace_s = (time.monotonic() - self.begin) / new if new > 0 else None
        trials_s = None if pace_s is None else pace_s * (self.total_epochs - done)
        return outlook(self.record, trials_s, time.time())

    def render(self) -> RenderableType:
        # Drawn by a thread of its own: a copy does not change under its hands.
        record = replace(self.record, trials=dict(self.record.trials))
        done, text, left = self._standing()
        self.bar.update(self.task, completed=done, description=text, left=left)
        objectives = list(record.objectives)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("trial", "state", "epoch", *objectives, "parameters", "lane"):
            table.add_column(name)
        best = record.best()
        lanes = _lane_numbers(record)
        for trial in list(record.trials.values())[-_ROWS:]:
            mark = " *" if best is not None and trial.number == best.number else ""
            style = _STYLES[trial.state]
            table.add_row(
                f"{trial.number}{mark}",
                f"[{style}]{trial.state}[/]",
                f"{trial.last_epoch}/{trial.config['epochs']}",
                *(percent(trial.value(name)) for name in objectives),
                escape(parameters(trial)),
                lanes.get(trial.lane, ""),
            )
        best_line = (
            ""
            if best is None
            else (
                f"best so far: trial {best.number}, {objectives[0]} "
                f"{percent(best.value(objectives[0]))} %"
            )
        )
        return Group(table, best_line, self._training(), self.bar)


def describe(event: Mapping[str, Any], record: StudyRecord) -> str:
    """One line for an event, or nothing."""
    objective = record.plan.get("objective", "")
    match event["event"]:
        case "started":
            trial = record.trials[event["trial"]]
            first = [name for name in trial.stages if name in record.awaited_stages]
            after = f"; after stage {', '.join(first)}" if first else ""
            return f"trial {trial.number}: {parameters(trial)}{after}"
        case "epoch":
            epochs = record.trials[event["trial"]].config["epochs"]
            value = percent(event["metrics"].get(objective))
            return f"trial {event['trial']} epoch {event['epoch']}/{epochs}: {objective} {value} %"
        case "finished":
            return f"trial {event['trial']} {event['state']}"
        case "failed":
            return f"trial {event['trial']} failed: {event['kind']}: {event['message'][:200]}"
        case "lanes":
            return f"{event['lanes']} lanes from now on: {event['nodes']} machines are there"
        case "waiting":
            return f"{event['lanes']} lanes have been waiting for room: {event['missing']}"
        case "changed":
            batch, turns = event["config"]["batch"], event["config"]["optim/accumulate"]
            return (
                f"trial {event['trial']} ran out of memory and begins again: batch {batch}, "
                f"optim/accumulate {turns}"
            )
        case "stage":
            how = "reused" if event["reused"] else f"trained in {event['seconds']:.0f} s"
            return f"stage {event['kind']} {event['key']} {how}"
        case "chosen":
            return (
                f"every cell's search has ended; its best goes on {len(record.plan['seeds'])} seeds"
            )
        case _:
            return ""


def _lane_numbers(record: StudyRecord) -> dict[str, str]:
    """Lanes in the order in which they first reported."""
    names = dict.fromkeys(trial.lane for trial in record.trials.values() if trial.lane)
    return {name: str(number) for number, name in enumerate(names, start=1)}
