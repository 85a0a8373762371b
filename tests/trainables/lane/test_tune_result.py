"""A trial's report, to Tune's dict and back."""

import json

import pytest

from trainables.lane.failures import Failure, FailureKind, is_result
from trainables.lane.tune_result import EpochReport, FailedTrial, from_tune, to_tune
from trainables.training.iterations import Iterations

REPORT = EpochReport(
    epoch=2,
    metrics={"miou": 0.5, "train/loss": 1.25},
    lane="lane-1",
    train_s=3.0,
    evaluate_s=1.0,
    system={"cpu_percent": 97.0},
    done=False,
)
HALVED = EpochReport(
    epoch=1,
    metrics={"miou": 0.5},
    lane="lane-1",
    train_s=3.0,
    evaluate_s=1.0,
    system={},
    changes={"batch": 2},
    start_s=0.5,
    iterations=Iterations(at=[4, 8], terms={"loss": [1.5, 1.25], "lovasz": [None, 0.5]}),
    done=True,
)
FAILED = FailedTrial(failure=Failure(FailureKind.LANE, "5 groups died"), epoch=1, lane="lane-1")


@pytest.mark.parametrize("report", [REPORT, HALVED, FAILED])
def test_a_report_comes_back_from_tune_and_from_a_checkpoints_json(
    report: EpochReport | FailedTrial,
) -> None:
    result = to_tune(report)
    added_by_tune = {"training_iteration": 2, "pid": 7, "time_total_s": 4.5}
    assert from_tune({**result, **added_by_tune}) == report
    assert from_tune(json.loads(json.dumps(result))) == report


def test_the_dict_has_metrics_at_its_top_and_no_empty_options() -> None:
    assert to_tune(REPORT) == {
        "miou": 0.5,
        "train/loss": 1.25,
        "metric_names": ["miou", "train/loss"],
        "epoch": 2,
        "lane": "lane-1",
        "train_s": 3.0,
        "evaluate_s": 1.0,
        "system": {"cpu_percent": 97.0},
        "done": False,
    }
    assert to_tune(FAILED) == {
        "failure": {"kind": "lane", "message": "5 groups died", "traceback": ""},
        "epoch": 1,
        "lane": "lane-1",
        "done": True,
    }


def test_a_checkpoint_of_an_earlier_version_names_no_metrics_and_is_read() -> None:
    for report in (REPORT, HALVED):
        note = {name: value for name, value in to_tune(report).items() if name != "metric_names"}
        assert from_tune(note) == report


def test_only_divergence_and_memory_are_results_of_the_config() -> None:
    assert [kind for kind in FailureKind if is_result(kind)] == ["memory", "diverged"]
    assert is_result("diverged")
    assert not is_result("ValueError")
    assert not is_result(None)
