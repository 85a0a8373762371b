"""A report says how its study was run: network, data, training, machine, code and command."""

from dataclasses import replace
from pathlib import Path

from study.ledger.provenance import Provenance
from study.reporting.document import Points
from study.reporting.sections import setup
from tests.study import fake, reports


def test_a_report_says_how_the_study_was_run(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path)
    record = fake.ended_study(plan).record
    assert record.planned is not None
    facts = Provenance(
        commit="c" * 40,
        dirty=True,
        machine={"system": "Linux", "cpus": 1},
        command="python study/run.py --space inverseform",
    )
    told = replace(record, planned=replace(record.planned, provenance=facts))
    rates = [float(trial.config["optim/lr"]) for trial in record.trials.values()]
    assert setup.section(told).blocks == [
        Points(
            [
                "network: tiny, pretrained weights: none",
                "data: `shapes`, 8 x 8 px, 2 classes, images: 1 train, 1 val, 1 test",
                "evaluated: test and validation: single scale, whole images",
                f"training: 4 epochs, batch 8, learning rate {min(rates):.3g} .. {max(rates):.3g}, "
                "by trial",
                "machine: Linux, 1 core; 2 lanes of 1 worker with 1 CPU each",
                f"commit: {'c' * 12} with local changes",
                "command: `python study/run.py --space inverseform`",
            ]
        )
    ]
    assert "How it was run" in reports.markdown(told, tmp_path)
