"""Tables of distances: smaller is better, and every text has the unit."""

from dataclasses import replace
from pathlib import Path

from study.analysis import protocol
from study.analysis.answer import answer
from study.analysis.results import AblationResults
from study.ledger.events import EpochEnded, Finished, Tested
from study.planning.runs import grid_runs
from study.reporting import table_files
from study.reporting.sections import ablation_table
from tests.study import fake, fake_grid
from trainables.metrics.catalog import METRICS


def measured_by(
    tmp_path: Path, objective: str, values: dict[str, float | None], **facts: str
) -> AblationResults:
    """A complete ablation whose cells have these values of the objective on both lists."""
    direction = METRICS[objective].direction
    plan = fake_grid.plan(tmp_path, objectives={objective: direction})
    ledger = fake.begin(plan, replace(fake.DATA, **facts))  # type: ignore[arg-type]
    for run in grid_runs(plan):
        fake_grid.start(ledger, run)
        value = values[run.cell]
        known = {"miou": 0.5} if value is None else {"miou": 0.5, objective: value}
        ended = EpochEnded(trial=run.number, epoch=3, metrics=known, seconds=1.0, lane="a")
        ledger.append(ended)
        ledger.append(Finished(trial=run.number, state="complete"))
        tested = {f"test_{name}": figure for name, figure in known.items()}
        ledger.append(Tested(trial=run.number, metrics=tested))
    return AblationResults(ledger.record)


def test_a_smaller_distance_is_better_and_every_text_has_its_unit(tmp_path: Path) -> None:
    results = measured_by(tmp_path, "hausdorff", {"plain": 12.0, "good": 9.5}, unit="mm")

    assert results.verdicts["good"] == "better"
    assert ablation_table.heads(results.tables[0])[1] == "hausdorff mm"
    assert answer(results) == (
        "Better: good -2.500 mm hausdorff (-2.500 to -2.500) against plain, 6 seeds."
    )
    text = protocol.protocol(results.record, results.tables[0])
    assert "smaller is better" in text
    assert "cell - `plain` in mm, with its" in text


def test_a_larger_distance_is_worse(tmp_path: Path) -> None:
    results = measured_by(tmp_path, "hd95", {"plain": 9.5, "good": 12.0}, unit="px")

    assert answer(results).startswith("Worse: good +2.500 px hd95")


def test_an_older_ledger_does_not_say_whether_a_distance_is_in_px(tmp_path: Path) -> None:
    results = measured_by(tmp_path, "assd", {"plain": 2.0, "good": 1.0})

    assert ablation_table.heads(results.tables[0])[1] == "assd px or mm"


def test_complete_runs_without_the_metric_are_not_measured_rather_than_not_run(
    tmp_path: Path,
) -> None:
    results = measured_by(tmp_path, "hausdorff", {"plain": 12.0, "good": None}, unit="px")
    good = next(row for row in results.tables[0].rows if row.cell.name == "good")

    assert (good.unmeasured, good.unfinished, good.failed) == (6, 0, 0)
    assert ablation_table.line(results.tables[0], good)[9] == "6 not measured"
    assert "unmeasured" in table_files.comma_separated(results).splitlines()[0]
