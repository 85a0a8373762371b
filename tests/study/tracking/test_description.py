"""A study's run says the answer, and leaves what a user wrote alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from search_spaces import Cell, Grid
from study.analysis.results import AblationResults, results_of
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.tracking import description
from study.tracking.description import MARK, NOTE
from study.tracking.sink import MlflowSink
from tests.study import fake, fake_grid, reports
from tests.study.tracking.test_sink import database, empty, no_pictures, project, wait_for

__all__ = ["database", "empty"]


def study_of(plan: Plan) -> MlflowRun:
    """The study's own run in MLflow."""
    client = MlflowClient(plan.tracking_uri)
    experiment = client.get_experiment_by_name("edgewise")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.study = '{plan.study}'")
    (found,) = [run for run in runs if "cell" not in run.data.tags and "trial" not in run.data.tags]
    return found


def test_a_study_s_description_is_answer_table_question_and_plot(tmp_path: Path) -> None:
    plan = fake_grid.plan(tmp_path)
    ledger = fake_grid.ended_study(plan)
    assert project(ledger, plan, reports.write(ledger.record, StudyFolder.of(plan))) == ""
    run = study_of(plan)
    blocks = run.data.tags[NOTE].split("\n\n")
    assert blocks[0] == "**Better: good +3.12 miou (+3.12 to +3.12) against plain, 6 seeds.**"
    # Six pairs of equal sign: 2 / 2^6.
    assert blocks[1].splitlines() == [
        "| cell | miou % (test) | delta | interval | p (Holm) | verdict | n |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| plain | 51.56 | - | - | - | baseline | 6 |",
        "| good | 54.69 | +3.12 | +3.12 .. +3.12 | 0.0312 | better | 6 |",
        "| far | - | - | - | - | not run | 0 |",
    ]
    assert blocks[2] == "Is it real?"
    source = f"get-artifact?path=report/differences.png&run_uuid={run.info.run_id}"
    assert blocks[3:] == [f"![differences from the baseline]({source})"]
    names = MlflowClient(plan.tracking_uri).list_artifacts(run.info.run_id, "report")
    assert "report/differences.png" in {item.path for item in names}


def test_the_description_follows_the_study_until_a_user_edits_it(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=2)
    ledger = fake.begin(plan)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    fake.complete(ledger, plan, 0)
    wait_for(sink)
    assert study_of(plan).data.tags[NOTE].startswith("Running.\n\n")
    assert sink.close([]) == ""
    assert "trial 0 leads so far" in study_of(plan).data.tags[NOTE]
    _end(ledger, plan)
    assert "leads with" in study_of(plan).data.tags[NOTE]


@pytest.mark.parametrize("edit", ["edited", "emptied", "removed"])
def test_a_user_s_description_outlives_the_study_and_a_rebuild(tmp_path: Path, edit: str) -> None:
    """It is edited while the study's connection, which knows the old text, is open."""
    plan = fake.plan(tmp_path, trials=2)
    ledger = fake.begin(plan)
    sink = MlflowSink(plan.tracking_uri, ledger.record.copy(), no_pictures)
    ledger.listeners.append(sink)
    fake.complete(ledger, plan, 0)
    wait_for(sink)
    client, run_id = MlflowClient(plan.tracking_uri), study_of(plan).info.run_id
    edits: dict[str, Callable[[], None]] = {
        "edited": lambda: client.set_tag(run_id, NOTE, "mine"),
        "emptied": lambda: client.set_tag(run_id, NOTE, ""),
        "removed": lambda: client.delete_tag(run_id, NOTE),
    }
    edits[edit]()
    assert sink.close([]) == ""
    _end(ledger, plan)
    expected = {"edited": "mine", "emptied": "", "removed": None}[edit]
    assert study_of(plan).data.tags.get(NOTE) == expected


def _end(ledger: Ledger, plan: Plan) -> None:
    """Run the last trial, end the study, and write it anew, as a resume does."""
    ledger.listeners.clear()
    fake.complete(ledger, plan, 1)
    ledger.append(fake.Ended())
    assert project(ledger, plan) == ""


def test_a_description_without_a_mark_is_a_user_s() -> None:
    assert not description.is_ours({NOTE: "of an older version, or a user's"})
    assert description.is_ours({})
    assert description.is_ours(description.described("a text"))
    assert not description.is_ours({**description.described("a text"), NOTE: "another"})
    assert not description.is_ours({MARK: description.described("a text")[MARK]})


def test_names_are_no_markup_and_the_longest_description_fits(tmp_path: Path) -> None:
    """MLflow would cut a longer tag, and the rest would no longer have our mark."""
    hard = "|`*_[x](http://host) <img src=x> & \\ \n" + "<" * 300
    cells = [Cell(name="plain", changes={})]
    cells += [Cell(name=f"{n}{hard}", changes={"loss/lovasz": 1.0 + n}) for n in range(60)]
    question = "Is *it* <b>real</b>? " + "&" * 2000
    grid = Grid(name="g", question=question, source="", baseline="plain", cells=tuple(cells))
    record = fake_grid.ended_study(fake_grid.plan(tmp_path, grid, seeds=(0, 1))).record
    results = results_of(record)
    assert isinstance(results, AblationResults)
    picture = Path("differences.png")
    text = description.of_study(results, "<i>x</i> " * 200, [picture], "0" * 32)
    assert len(text) < 8000
    assert "<" not in text
    assert text.count("](") - text.count("\\](") == 1  # the plot
    assert "All 61 rows are in `report/table.md`." in text
    (line,) = {line.count("|") - line.count("\\|") for line in text.splitlines() if line[:1] == "|"}
    assert line == 8
    assert r"Is \*it\* &lt;b>real&lt;/b>?" in text


def test_the_old_description_of_a_database_stays(tmp_path: Path) -> None:
    plan = fake.plan(tmp_path, trials=1)
    ledger = fake.begin(plan)
    fake.complete(ledger, plan, 0)
    assert project(ledger, plan) == ""
    client, run = MlflowClient(plan.tracking_uri), study_of(plan)
    client.delete_tag(run.info.run_id, MARK)  # as versions without it left it
    ledger.append(fake.Ended())
    assert project(ledger, plan) == ""
    assert study_of(plan).data.tags[NOTE] == run.data.tags[NOTE]
