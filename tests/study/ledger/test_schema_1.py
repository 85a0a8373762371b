"""Ledgers of the version before this one mean the same now: report, table and plan.

Beside each ledger in ``schema_1`` lie the report and the table that the code of its commit made
from the ledger alone.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from study.ledger.events import Resumed, event_from_json
from study.ledger.json_records import Json, clean
from study.ledger.ledger import Ledger, read
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.ledger.study_folder import StudyFolder
from tests.study import reports

LEDGERS = Path(__file__).parent / "schema_1"
RENAMED = {
    "whole trials": "complete trials",
    "least miou": "lowest miou",
    "most miou": "highest miou",
    "s an epoch": "s per epoch",
    "ms a step": "ms per step",
    "| of cross_entropy": "| relative to cross_entropy",
    "measured beside it; not what was decided on": "also measured; not the objective",
}
"""Words of tables and titles that this version has changed."""
_OUTSIDE_THE_PLAN = ("event", "time", "schema", "data", "provenance")


@pytest.fixture(params=("search", "grid", "cells"))
def old_study(request: pytest.FixtureRequest) -> Path:
    """The folder of a ledger and its old report."""
    return LEDGERS / str(request.param)


@pytest.fixture
def folder(old_study: Path, tmp_path: Path) -> StudyFolder:
    """A copy of the study that holds only its ledger."""
    found = StudyFolder(tmp_path / f"old-{old_study.name}")
    found.path.mkdir()
    shutil.copy(old_study / "ledger.jsonl", found.ledger)
    return found


def lines_of(old_study: Path) -> list[Json]:
    lines, tail = read(old_study / "ledger.jsonl")
    assert not tail
    return lines


def rows_and_titles(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("|", "#"))]


def numbers_in_prose(text: str) -> list[str]:
    # The answer, which old reports lack, is bold.
    prose = [line for line in text.splitlines() if not line.startswith(("|", "**"))]
    return re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "\n".join(prose))


def test_its_report_has_the_same_tables_and_figures(old_study: Path, folder: StudyFolder) -> None:
    reports.write(folder.load(), folder)
    old, new = (old_study / "old_report.md").read_text(), (folder.report / "report.md").read_text()
    for word, now in RENAMED.items():
        old = old.replace(word, now)
    assert rows_and_titles(new) == rows_and_titles(old)
    assert numbers_in_prose(new) == numbers_in_prose(old)
    assert len(numbers_in_prose(new)) > 5


@pytest.mark.parametrize("old_study", ["grid", "cells"], indirect=True)
def test_its_table_has_the_same_bytes(old_study: Path, folder: StudyFolder) -> None:
    reports.write(folder.load(), folder)
    new = (folder.report / "table.csv").read_bytes()
    assert new == (old_study / "old_table.csv").read_bytes()


def test_no_value_of_a_line_is_lost(old_study: Path) -> None:
    for line in lines_of(old_study):
        event = event_from_json(line)
        written = clean({"event": event.name, "time": event.time, **event.to_json()})
        again = json.loads(json.dumps(written))
        assert {key: again[key] for key in line} == line
        assert not any(again[key] for key in again.keys() - line.keys())  # empty: nothing is new


def test_it_can_be_resumed_with_its_original_plan(old_study: Path, folder: StudyFolder) -> None:
    first = json.loads((old_study / "ledger.jsonl").read_text().splitlines()[0])
    written = {key: value for key, value in first.items() if key not in _OUTSIDE_THE_PLAN}
    assert clean(plan_to_json(plan_from_json(first))) == written
    ledger = Ledger(folder.ledger)
    record = ledger.record
    for cell in written.get("grid", {}).get("cells", ()):  # as its search chose, if it had one
        if cell["name"] in record.chosen:
            cell["changes"] = record.chosen[cell["name"]].changes
    assert clean(plan_to_json(record.plan)) == written
    assert bool(record.chosen) == (old_study.name == "cells")
    assert record.ended
    ledger.append(Resumed(continue_after={}))
    assert not Ledger(folder.ledger).record.ended
    assert folder.ledger.read_bytes().startswith((old_study / "ledger.jsonl").read_bytes())
