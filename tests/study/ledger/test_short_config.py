"""What a line of the ledger leaves out of a config, and that reading brings it back."""

import json
from pathlib import Path

import pytest

from study.ledger.events import Changed, Started
from study.ledger.plan_json import plan_from_json, plan_to_json
from study.ledger.short_config import completed, shortened
from tests.study import fake
from trainables.config import TrialConfig, Value, flatten

CHANGES: list[dict[str, Value]] = [
    {},
    {"loss/dice_loss": 1.0, "loss/scnp_size": 5},
    {"data/targets": "edge,depth", "task/tasks": "semseg,edge,depth", "task/edge": 5.0},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_a_config_is_read_as_it_was_written(changes: dict[str, Value]) -> None:
    config = flatten(TrialConfig().changed(changes))
    written = json.loads(json.dumps(shortened(config)))
    assert written.keys() >= changes.keys()
    assert list(completed(written).items()) == list(config.items())


def test_segmentation_writes_nothing_of_other_tasks_and_rivals(tmp_path: Path) -> None:
    """Of every event that has a config, so that ledgers are no longer than before these fields."""
    config = flatten(TrialConfig())
    events = (
        Started(trial=0, id="a", params={}, config=config),
        Changed(trial=0, id="a", config=config),
    )
    for event in events:
        line = event.to_json()
        written = json.dumps(line)
        assert not any(name in written for name in ("task/", "loss/dice_loss", "loss/scnp"))
        assert type(event).from_json(line) == event
    plan = fake.plan(tmp_path)
    assert plan_from_json(plan_to_json(plan)).base == plan.base


def test_a_config_of_a_version_without_these_fields_is_read_as_it_is() -> None:
    earlier: dict[str, Value] = {"epochs": 5, "loss/gamma": 0.3}
    assert completed(earlier) == earlier
