"""The network that a comparison saves is of a compared run."""

from dataclasses import replace
from pathlib import Path

from study.analysis.results import AblationResults
from study.ledger.ledger import folded, read
from study.ledger.record import StudyRecord

CELLS = Path(__file__).parents[1] / "ledger" / "schema_1" / "cells" / "ledger.jsonl"
"""Each cell was searched, then compared on other seeds."""


def test_a_trial_of_a_cell_s_search_is_not_the_champion() -> None:
    """Its checkpoint is removed: the study ended with "no model is saved"."""
    record = folded(CELLS, read(CELLS)[0], StudyRecord())
    best, searched = record.trials[10], record.trials[1]
    assert (best.phase, searched.phase, best.cell) == ("", "search", searched.cell)
    as_good = replace(searched, epochs=best.epochs)
    results = AblationResults(replace(record, trials={**record.trials, 1: as_good}))
    assert results.ranking[0].number == 1
    assert results.champion is not None
    assert results.champion.number == 10
