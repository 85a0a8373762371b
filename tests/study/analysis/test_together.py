"""Several datasets together: gains by study, and the questions that are not the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces import Cell
from search_spaces.all_losses import ARMS
from study.analysis.power import SMALLEST
from study.analysis.random_effects import Measured, pool_all
from study.analysis.signed_rank import signed_rank
from study.analysis.together import together
from study.ledger.plan import PluginText
from study.ledger.record import StudyRecord
from tests.study import fake, fake_grid
from tests.study.fake_datasets import GAINS, ended
from trainables.config import TrialConfig
from trainables.metrics.catalog import METRICS, Metric

TWO = replace(
    fake_grid.GRID, cells=(*fake_grid.GRID.cells[:2], Cell(name="bad", changes={"loss/ar": 0.2}))
)
DOWN = (-4 / 64, -5 / 64, -6 / 64)


@pytest.fixture
def first(tmp_path: Path) -> StudyRecord:
    return ended(tmp_path, "first", "shapes")


def refused(one: StudyRecord, other: StudyRecord, words: str, cells: tuple[str, ...] = ()) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        together([one, other], cells)
    assert "\n" not in str(caught.value)


def test_gains_and_errors_are_those_of_the_paired_seeds(tmp_path: Path, first: StudyRecord) -> None:
    other = ended(tmp_path, "other", "camvid", {"good": (0.0, 2 / 64, 4 / 64)})
    found = together([first, other])
    (arm,) = found.arms
    assert [(e.study, e.dataset, e.seeds) for e in arm.effects] == [
        ("first", "shapes", 3),
        ("other", "camvid", 3),
    ]
    gains, errors = [e.gain for e in arm.effects], [e.error for e in arm.effects]
    assert gains == pytest.approx([1 / 32, 1 / 32])
    assert errors == pytest.approx([1 / 64 / 3**0.5, 2 / 64 / 3**0.5])
    assert [arm.pooled] == pool_all([Measured(gains, errors)])
    assert arm.practical == signed_rank(gains, SMALLEST)
    low, high = arm.effects[0].interval()
    assert (high - low) / 2 == pytest.approx(4.302653 * errors[0])  # t of 2


def test_each_study_keeps_its_own_verdict(tmp_path: Path) -> None:
    """Six seeds of one sign are p = 2/64; pooling decides nothing anew."""
    up, mixed = tuple(seed / 64 for seed in range(1, 7)), (1 / 64, -1 / 64) * 3
    down = tuple(-gain for gain in up)
    records = [
        ended(tmp_path, name, name, {"good": gains})
        for name, gains in {"shapes": up, "camvid": down, "voc2012": (0.0, *mixed[1:])}.items()
    ]
    (arm,) = together(records).arms
    assert [effect.verdict for effect in arm.effects] == ["better", "worse", "undecided"]


def test_the_cell_to_try_first_comes_first(tmp_path: Path) -> None:
    gains = {"bad": DOWN, "good": GAINS}
    records = [ended(tmp_path, name, name, gains, TWO) for name in ("shapes", "camvid", "voc2012")]
    found = together(records)
    assert [arm.cell for arm in found.arms] == ["good", "bad"]
    assert found.arms[0].pooled.p_better > 0.9 > 0.1 > found.arms[1].pooled.p_better


def test_where_smaller_is_better_a_fall_is_a_gain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = METRICS["miou"]._replace(direction="min")
    monkeypatch.setitem(METRICS, "miou", smaller)
    found = together([ended(tmp_path, name, name) for name in ("shapes", "camvid")])
    assert [effect.gain for effect in found.arms[0].effects] == pytest.approx([-1 / 32] * 2)


def test_one_study_and_one_dataset_twice_are_refused(tmp_path: Path, first: StudyRecord) -> None:
    with pytest.raises(ValueError, match="needs two studies or more, got 1"):
        together([first])
    again = ended(tmp_path, "again", "shapes")
    words = "a different dataset in each study, got shapes in both first and again"
    refused(first, again, words)
    assert again.planned is not None
    other_size = replace(again.data, digest="another")
    refused(first, replace(again, planned=replace(again.planned, data=other_size)), words)


def test_folders_of_different_data_are_different_datasets(tmp_path: Path) -> None:
    def study(name: str, root: str) -> StudyRecord:
        base = {**fake_grid.plan(tmp_path).base, "data/dataset": "folder", "data/root": root}
        record = ended(tmp_path, name, "folder", base=base)
        assert record.planned is not None
        data = replace(record.data, digest=name)
        return replace(record, planned=replace(record.planned, data=data))

    one, other = study("one", "/a"), study("other", "/b")
    assert len(together([one, other]).arms) == 1
    refused(one, study("third", "/a"), "got folder in both one and third")


def test_other_questions_are_refused(tmp_path: Path, first: StudyRecord) -> None:
    def study(name: str, **changes: object) -> StudyRecord:
        return ended(tmp_path, name, "camvid", **changes)  # type: ignore[arg-type]

    refused(
        first, study("m", objectives={"dice": "max"}), "same metric .* got miou in first and dice"
    )
    renamed = (replace(fake_grid.GRID.cells[0], name="base"), *fake_grid.GRID.cells[1:])
    grid = replace(fake_grid.GRID, baseline="base", cells=renamed)
    refused(first, study("b", grid=grid), "same baseline .* got plain in first and base in b")
    more = study("c", grid=TWO)
    refused(first, more, "same cells, or --cells .* got good in first and good, bad in c")
    assert [arm.cell for arm in together([first, more], ["good"]).arms] == ["good"]
    refused(first, more, "--cells must be of good in first, got 'bad'", ("bad",))
    heavier = replace(fake_grid.GRID.cells[1], changes={"loss/lovasz": 2.0})
    grid = replace(fake_grid.GRID, cells=(fake_grid.GRID.cells[0], heavier))
    refused(
        first, study("l", grid=grid), "same loss in 'good' .* loss/lovasz 1.0 in first and loss"
    )
    for path, value in (("refine/method", "dense_crf"), ("model/freeze_batch_norm", True)):
        changes = {**fake_grid.GRID.cells[1].changes, path: value}
        other = replace(fake_grid.GRID.cells[1], changes=changes)
        grid = replace(fake_grid.GRID, cells=(fake_grid.GRID.cells[0], other))
        refused(first, study(path[:6], grid=grid), f"same setting in 'good' .* {path} {value} in")


def test_two_plug_ins_metrics_of_one_name_are_two_metrics(tmp_path: Path) -> None:
    metrics = {"shared_name": Metric("max", "fraction", 0, 1, "a plug-in's metric")}
    studies = []
    for place, dataset in enumerate(("shapes", "camvid")):
        text = PluginText(name="mine.py", text=f"# {place}", digest=f"d{place}")
        objectives = {"shared_name": "max"}
        made = {"objectives": objectives, "metrics": metrics, "plugin": text}
        studies.append(ended(tmp_path, dataset, dataset, **made))  # type: ignore[arg-type]
    one, other = studies
    refused(one, other, "same plug-in, whose metric this is, .* got d0 in shapes and d1 in camvid")


def test_a_searched_weight_may_differ(tmp_path: Path) -> None:
    lovasz = ARMS.cell("lovasz")
    records = []
    for name, weight in (("shapes", 0.5), ("camvid", 2.0)):
        cell = replace(lovasz, changes={"loss/lovasz": weight}, name="good")
        grid = replace(fake_grid.GRID, cells=(fake_grid.GRID.cells[0], cell))
        records.append(ended(tmp_path, name, name, grid=grid))
    assert len(together(records).arms) == 1


def test_a_network_that_no_term_uses_may_differ_and_one_in_use_may_not(tmp_path: Path) -> None:
    """A recipe shortens the training of such a network in all cells of one study."""

    def study(name: str, steps: int, gamma: float) -> StudyRecord:
        changes = {"inverse_net/steps": steps, "loss/gamma": gamma, "loss/beta": gamma}
        return ended(tmp_path, name, name, base=TrialConfig().changed(changes))

    assert len(together([study("shapes", 400, 0.0), study("camvid", 1200, 0.0)]).arms) == 1
    used = study("davis2016", 400, 0.5)
    refused(used, study("voc2012", 1200, 0.5), "inverse_net/steps 400 in davis2016")


def test_a_search_without_a_comparison_and_equal_differences_are_refused(
    tmp_path: Path, first: StudyRecord
) -> None:
    refused(
        first, fake.ended_study(fake.plan(tmp_path)).record, "got the search 'fake'; --winner fake"
    )
    level = ended(tmp_path, "level", "camvid", {"good": (0.25, 0.25, 0.25)})
    refused(first, level, "differences that vary over seeds, got 'good' in level")
    single = ended(tmp_path, "single", "voc2012", {"good": (0.25,)})
    refused(first, single, "two seeds or more of each cell, got 1 of 'good' in single")


def test_what_else_differs_is_listed(tmp_path: Path, first: StudyRecord) -> None:
    base = {**fake_grid.plan(tmp_path).base, "batch": 5, "data/height": 9}
    found = together([first, ended(tmp_path, "other", "camvid", base=base)])
    batch = fake_grid.plan(tmp_path).base["batch"]
    assert found.differs == (f"batch: {batch} in first, 5 in other",)
