"""A study that is resumed with other code or packages than it began with says so."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.commands import prior_studies
from study.ledger.events import Ended, Resumed
from study.ledger.provenance import Provenance, changes
from study.ledger.study_folder import StudyFolder
from tests.study import fake, reports

FIRST = Provenance(commit="c" * 40, dirty=False, python="3.11.7", packages={"torch": "2.1"})
NOW = replace(FIRST, commit="d" * 40, packages={"torch": "2.2", "timm": "1.0"})
DIFFERENCE = "commit cccccccccccc -> dddddddddddd, torch 2.1 -> 2.2, timm none -> 1.0"


def test_every_change_is_named_and_another_machine_is_none() -> None:
    assert changes(FIRST, NOW) == DIFFERENCE
    assert changes(FIRST, replace(FIRST, machine={"cpus": 3})) == ""
    dirty = replace(FIRST, dirty=True)
    assert changes(FIRST, dirty) == "commit cccccccccccc -> cccccccccccc with local changes"


def test_the_report_tells_it_and_an_older_ledger_is_read(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    ledger, folder = fake.begin(plan), StudyFolder.of(plan)
    fake.complete(ledger, plan, 0)
    ledger.append(Resumed(continue_after={}))  # as an older version wrote it
    assert "Other code" not in reports.markdown(folder.load(), folder.path)
    first = ledger.record.provenance
    later = replace(first, commit="d" * 40)
    for provenance in (first, later, later):
        ledger.append(Resumed(continue_after={}, provenance=provenance))
    ledger.append(Ended())
    text = reports.markdown(folder.load(), folder.path)
    assert text.count("commit cccccccccccc -> dddddddddddd") == 1


@pytest.mark.parametrize("same", [True, False])
def test_the_plan_of_a_resumed_study_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    plan = fake.plan(tmp_path)
    record = fake.begin(plan).record
    now = record.provenance if same else replace(record.provenance, commit="d" * 40)
    monkeypatch.setattr(prior_studies, "provenance", lambda: now)
    lines = prior_studies.lines(plan, fake.SPACE, record, fake.DATA.digest)
    assert ("warning" in lines) != same
