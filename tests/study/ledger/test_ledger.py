"""The ledger: strict, synced, and readable wherever it was cut."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.analysis.results import results_of
from study.ledger.errors import LedgerError
from study.ledger.events import Ended, Resumed
from study.ledger.json_records import clean
from study.ledger.ledger import Ledger, read
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from tests.study import fake


def content(record: StudyRecord) -> dict[str, Any]:
    """A study's results, without times and places."""
    return {
        str(trial.number): {
            "state": trial.state,
            "params": trial.params,
            "epochs": {key: epoch.metrics for key, epoch in sorted(trial.epochs.items())},
        }
        for trial in record.trials.values()
    }


def test_every_line_is_strict_json_and_says_when(tmp_path: Path) -> None:
    ledger = fake.ended_study(fake.plan(tmp_path))
    lines = ledger.path.read_text().splitlines()
    events = [json.loads(line, parse_constant=lambda name: pytest.fail(name)) for line in lines]
    assert events[0]["schema"] == 2
    assert [event["event"] for event in events[:2]] == ["planned", "started"]
    assert all(event["time"] > 0 for event in events)


def test_nan_and_infinity_become_null() -> None:
    dirty = {"a": math.nan, "b": [math.inf, 1.5], "c": {"d": Path("x")}}
    assert clean(dirty) == {"a": None, "b": [None, 1.5], "c": {"d": "x"}}


def test_a_reopened_ledger_has_the_same_record(tmp_path: Path) -> None:
    written = fake.ended_study(fake.plan(tmp_path))
    opened = Ledger(written.path)
    assert content(opened.record) == content(written.record)
    assert opened.record.ended


def test_an_incomplete_last_line_is_set_aside(tmp_path: Path) -> None:
    ledger = fake.ended_study(fake.plan(tmp_path))
    content_before = ledger.path.read_bytes()
    ledger.path.write_bytes(content_before + b'{"event":"epoch","tri')
    opened = Ledger(ledger.path)
    assert ledger.path.read_bytes() == content_before
    assert next(tmp_path.rglob("*.cut-*")).read_bytes() == b'{"event":"epoch","tri'
    opened.append(Ended())
    assert len(read(ledger.path)[0]) == content_before.count(b"\n") + 1


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1))
def test_a_cut_anywhere_leaves_a_ledger_of_the_events_before_it(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    content_before = fake.ended_study(fake.plan(folder)).path.read_bytes()
    end = int(share * len(content_before))
    path = StudyFolder(folder / "cut").ledger
    path.parent.mkdir()
    path.write_bytes(content_before[:end])
    opened = Ledger(path)
    assert path.read_bytes() == content_before[: content_before.rfind(b"\n", 0, end) + 1]
    assert len(opened.record.trials) <= 8


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    ledger = fake.ended_study(fake.plan(tmp_path))
    lines = ledger.path.read_bytes().split(b"\n")
    lines[3] = lines[3][:10]
    ledger.path.write_bytes(b"\n".join(lines))
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:4: not a complete event"):
        Ledger(ledger.path)


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = StudyFolder(tmp_path).ledger
    path.write_text('{"event":"planned","time":1,"schema":99}\n')
    with pytest.raises(LedgerError, match="schema must be 1 or 2, got 99"):
        Ledger(path)


def test_ranking_puts_complete_trials_first_and_counts_the_rest(tmp_path: Path) -> None:
    record = fake.ended_study(fake.plan(tmp_path)).record
    ranked = results_of(record).ranking
    assert [trial.number for trial in ranked][-1] == 6
    values = [trial.value("miou") or 0.0 for trial in ranked[:-1]]
    assert values == sorted(values, reverse=True)
    assert [trial.number for trial in record.in_state("failed")] == [7]


def test_a_resumed_event_drops_epochs_after_the_checkpoint(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger = fake.begin(plan)
    trial = fake.start(ledger, plan, 0)
    for number in (1, 2, 3):
        fake.epoch(ledger, trial, number)
    ledger.append(Resumed(continue_after={0: 2}))
    assert sorted(ledger.record.trials[0].epochs) == [1, 2]
    assert sorted(Ledger(ledger.path).record.trials[0].epochs) == [1, 2]
