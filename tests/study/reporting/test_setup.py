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


def test_a_report_says_how_the_study_used_its_gpus_and_how_equal_a_repetition_is(
    tmp_path: Path,
) -> None:
    plan = fake.plan(tmp_path)
    # As an older ledger, which has none of the newer fields.
    older = {p: v for p, v in plan.base.items() if p not in ("optim/tf32", "optim/fused")}
    lines = []
    for base in (older, {**plan.base, "optim/precision": "bf16", "optim/deterministic": True}):
        record = fake.ended_study(replace(plan, gpus_per_worker=1.0, base=base)).record
        (points,) = setup.section(record).blocks
        assert isinstance(points, Points)
        lines += [line for line in points.texts if line.startswith("on GPUs")]
        plan = replace(plan, study="fake-2")
    assert lines == [
        "on GPUs: fp32, TF32 for convolutions; a repetition is equal within 0.001 of the value, on "
        "GPUs without optim/deterministic",
        "on GPUs: bf16, deterministic, TF32 for convolutions; a repetition is equal to the last "
        "bit on the same card and software (optim/deterministic)",
    ]


def test_it_says_who_made_the_batches_and_how_long_they_took(tmp_path: Path) -> None:
    record = fake.ended_study(fake.plan(tmp_path)).record
    waits = iter([1.0, 3.0, 2.0])
    for trial in list(record.trials.values())[:3]:
        trial.epochs[1] = replace(
            trial.epochs[1],
            system={"data_wait_percent": next(waits), "data_device_megabytes": 9.0},
        )
    points = setup.section(record).blocks[0]
    assert isinstance(points, Points)
    waited = "epochs waited 2.0 % of their training for them, at most 3.0 %"
    assert f"batches: made on the device; {waited}" in points.texts
