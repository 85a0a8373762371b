"""A distance is in its unit wherever a fraction would be in percent."""

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from study.analysis.answer import answer
from study.analysis.results import SearchResults, results_of
from study.ledger.events import EpochEnded, Finished, Tested
from study.ledger.ledger import Ledger
from study.reporting.sections import ranked
from study.reporting.terminal import search
from study.reporting.terminal.event_lines import event_line
from tests.study import fake

VALUES = {0: 20.5, 1: 12.25, 2: 30.0}


def ended(tmp_path: Path, unit: str = "mm") -> Ledger:
    """A search that minimises a distance."""
    plan = fake.plan(tmp_path, trials=3, objectives={"hausdorff": "min"})
    ledger = fake.begin(plan, replace(fake.DATA, unit=unit))
    for number, value in VALUES.items():
        fake.start(ledger, plan, number)
        metrics = {"miou": 0.5, "hausdorff": value}
        ended = EpochEnded(trial=number, epoch=1, metrics=metrics, seconds=1.0, lane="a")
        ledger.append(ended)
        ledger.append(Finished(trial=number, state="complete"))
    ledger.append(Tested(trial=1, metrics={"test_miou": 0.25, "test_hausdorff": 13.0}))
    return ledger


def results(ledger: Ledger) -> SearchResults:
    found = results_of(ledger.record)
    assert isinstance(found, SearchResults)
    return found


def test_the_smallest_leads_and_the_answer_has_its_unit(tmp_path: Path) -> None:
    found = results(ended(tmp_path))

    assert [trial.number for trial in found.ranking] == [1, 0, 2]
    assert "trial 1 leads so far with 12.25 mm hausdorff" in answer(found)


def test_rankings_have_the_objective_in_its_unit(tmp_path: Path) -> None:
    found = results(ended(tmp_path, "px"))

    sheet = ranked.ranking(found.record, found.ranking, [])

    assert sheet.head[2:4] == ["hausdorff px", "miou %"]
    assert [row[2:4] for row in sheet.rows] == [
        ["12.25", "50.00"],
        ["20.50", "50.00"],
        ["30.00", "50.00"],
    ]


def test_the_terminal_has_no_percent_of_a_distance(tmp_path: Path) -> None:
    console = Console(record=True, width=250, file=io.StringIO())

    search.print_result(console, results(ended(tmp_path)), {})

    text = console.export_text()
    assert "(trial 1): hausdorff 13.00 mm, miou 25.00 %" in text
    assert "1225" not in text


def test_the_line_of_an_epoch_has_its_unit(tmp_path: Path) -> None:
    ledger = ended(tmp_path)
    event = EpochEnded(trial=1, epoch=1, metrics={"hausdorff": 12.25}, seconds=1.0, lane="a")

    assert "hausdorff 12.25 mm" in event_line(event, ledger.record)
