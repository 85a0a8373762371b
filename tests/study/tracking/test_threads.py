"""The driver adds trials to its record while MLflow's thread reads its own copy."""

import logging
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from search_spaces import Cell, Grid
from study.ledger.events import Started
from study.tracking import client_writer
from study.tracking.entities import Run
from study.tracking.sink import MlflowSink
from tests.study import fake, fake_grid
from tests.study.tracking.test_sink import no_pictures

CELLS, SEEDS = 100, 5
OTHERS = "the thread of another test, whose server never answered"


class Memory:
    """A client writer that only remembers the keys of the runs it would write."""

    uri: ClassVar[str] = ""
    keys: ClassVar[set[str]] = set()
    started = threading.Event()

    def __init__(self, uri: str, study: str) -> None:
        assert uri == self.uri, OTHERS
        assert not self.keys

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def write(self, runs: Iterable[Run]) -> None:
        self.keys.update(run.key for run in runs)
        self.started.set()

    experiment = "1"

    @property
    def ids(self) -> dict[str, str]:
        return {key: key for key in self.keys}

    def save_view(self, name: str, value: str) -> None:
        assert name.endswith(".fake")


@pytest.fixture
def often_switching() -> Iterator[None]:
    """Threads take turns a thousand times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1000)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("often_switching")
def test_trials_that_start_while_others_are_written_disturb_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_writer, "ClientWriter", Memory)
    cells = tuple(
        Cell(name=f"cell-{n}", changes={"optim/lr": (n + 1) / 1000}) for n in range(CELLS)
    )
    grid = Grid(name="many", question="Why?", source="", baseline="cell-0", cells=cells)
    plan = fake_grid.plan(tmp_path, grid=grid, seeds=tuple(range(SEEDS)))
    monkeypatch.setattr(Memory, "uri", plan.tracking_uri)
    record = fake.begin(plan).record
    sink = MlflowSink(plan.tracking_uri, record.copy(), no_pictures)
    for number in range(CELLS * SEEDS):
        event = Started(
            time=2.0,
            trial=number,
            id=f"{number:012x}",
            params={},
            config=dict(plan.base),
            cell=f"cell-{number % CELLS}",
            seed=number // CELLS,
        )
        record.apply(event)
        sink(event)
        if number == CELLS * SEEDS // 2:
            # From here on the driver adds trials while the thread certainly writes.
            assert Memory.started.wait(30)
        if Memory.started.is_set():
            time.sleep(0.0002)  # lets MLflow's thread run between two events
    assert sink.close([]) == ""
    warned = [entry for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert not [entry for entry in warned if OTHERS not in entry.getMessage()]
    assert len(Memory.keys) == 1 + CELLS + CELLS * SEEDS
