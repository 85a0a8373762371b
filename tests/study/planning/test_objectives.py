"""Several objectives: the Pareto set, its search interrupted and resumed, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.resources import Node
from study.analysis.pareto import layers
from study.analysis.results import SearchResults, results_of
from study.commands import options
from study.ledger.events import EpochEnded, Finished, Started, Tested
from study.ledger.ledger import Ledger
from study.ledger.plan import Plan
from study.ledger.record import StudyRecord
from study.ledger.study_folder import StudyFolder
from study.planning.make_plan import plan_from_request
from study.planning.objectives import OBJECTIVES, parse_objectives
from study.reporting import document
from study.reporting.sections import pareto
from study.search.optuna_search import LedgerSearch
from tests.study import fake, reports
from tests.study.commands.test_run import refused
from trainables.config import Value
from trainables.lane.trial_spec import TrialSpec
from trainables.metrics.declared import built_in

NODE = Node(cpus=2, gpus=0)
BOTH = {"miou": "max", "hd95": "min"}
NEVER_AN_OBJECTIVE = (
    "surfaces_scored",
    "classes_scored",
    "contours_scored",
    "delta_m",
)
POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9)


@settings(max_examples=80, deadline=None)
@given(POINTS)
def test_a_layer_is_what_no_point_outside_the_layers_before_it_dominates(
    points: list[tuple[int, int]],
) -> None:
    """By the definition: at least as good in both, better in one; the second is minimised."""

    def dominated(point: tuple[int, int], by: list[tuple[int, int]]) -> bool:
        return any(a >= point[0] and b <= point[1] and (a, b) != point for a, b in by)

    left, expected, layer = list(points), dict.fromkeys(points, 0), 0
    while left:
        layer += 1
        bare = [point for point in left if not dominated(point, left)]
        expected |= dict.fromkeys(bare, layer)
        left = [point for point in left if point not in bare]
    assert layers(points, ["max", "min"]) == [expected[point] for point in points]


def values(params: dict[str, Value]) -> dict[str, float]:
    """Small gamma is good for one, large gamma for the other; beta is for both."""
    gamma, beta = float(params["loss/gamma"]), float(params["loss/beta"])
    return {"miou": 1 - gamma - 1 / (9 + beta), "hd95": 1 / gamma + 1 / beta}


def drive(of: Plan, ledger: Ledger, end_after: int | None = None) -> StudyRecord:
    """One trial after the other, as Tune would with one lane; each is started as it was drawn."""
    run = LedgerSearch(ledger.record, fake.SPACE, [], dict)
    done = 0
    while isinstance(config := run.suggest(f"t{done}"), dict) and done != end_after:
        spec = TrialSpec.from_tune(config)
        number, metrics = spec.number, values(spec.params)
        ledger.append(
            Started(
                trial=number,
                id=f"{number}",
                params=spec.params,
                config={"epochs": 1, "seed": 0},
                generation=spec.generation,
            )
        )
        ledger.append(EpochEnded(trial=number, epoch=1, metrics=metrics, seconds=1.0, lane="a"))
        run.on_trial_complete(f"t{done}", {**metrics, "training_iteration": 1})
        ledger.append(Finished(trial=number, state="complete"))
        done += 1
    return ledger.record


def plan(storage: Path, **changes: object) -> Plan:
    return fake.plan(storage, **{"trials": 20, "objectives": BOTH, **changes})


def search_results(record: StudyRecord) -> SearchResults:
    results = results_of(record)
    assert isinstance(results, SearchResults)
    return results


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_interrupted_and_resumed_it_ends_in_the_same_set(tmp_path: Path, sampler: str) -> None:
    of = plan(tmp_path / "uninterrupted", sampler=sampler)
    uninterrupted = drive(of, fake.begin(of))
    cut = plan(tmp_path / "cut", sampler=sampler)
    drive(cut, fake.begin(cut), end_after=12)
    resumed = drive(cut, Ledger(StudyFolder.of(cut).ledger))
    drawn = [
        [trial.params for trial in record.trials.values()] for record in (uninterrupted, resumed)
    ]
    assert drawn[0] == drawn[1]
    numbers = [
        [trial.number for trial in search_results(record).front]
        for record in (uninterrupted, resumed)
    ]
    assert numbers[0] == numbers[1]
    if sampler == "nsga2":  # populations of five
        assert [trial.generation for trial in resumed.trials.values()] == [
            number // 5 for number in range(20)
        ]


def test_the_end_shows_the_set_and_ranks_it_first(tmp_path: Path) -> None:
    of = plan(tmp_path, trials=6)
    ledger = fake.begin(of)
    points = [(0.5, 2.0), (0.6, 3.0), (0.4, 1.0), (0.3, 1.5), (0.2, 4.0), (0.55, None)]
    for number, (miou, hd95) in enumerate(points):
        fake.start(ledger, of, number)
        metrics = {"miou": miou, "hd95": hd95}
        ledger.append(EpochEnded(trial=number, epoch=1, metrics=metrics, seconds=1.0, lane="a"))
        ledger.append(Finished(trial=number, state="complete"))
    record = ledger.record
    results = search_results(record)
    assert [trial.number for trial in results.front] == [1, 0, 2]
    ranked = [trial.number for trial in results.ranking]
    assert ranked == [1, 0, 2, 3, 4]  # 5 has no hd95
    best = results.best
    assert best is not None
    assert best.number == 1
    ledger.append(Tested(trial=2, metrics={"test_miou": 0.25, "test_hd95": 7.0}))
    results = search_results(record)
    text = reports.markdown(record, StudyFolder.of(of).path)
    assert document.markdown([document.Sheet(*pareto.rows(results))], tmp_path) in text
    last = pareto.rows(results)[1][-1]
    assert last[:5] == ["2", "40.00", "1.00", "25.00", "7.00"]
    assert record.plan.objectives == BOTH


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--objective", "miou,iou"], "--objective must be one of area: miou"),
        (["--objective", "miou,miou"], "--objective must name each metric once, got 'miou,miou'"),
        (["--objective", "miou,dice", "--scheduler", "asha"], "it would stop trials by the first"),
        (["--objective", "miou,dice", "--sampler", "cmaes"], "several need tpe, nsga2, gp"),
        (["--objective", "miou,dice", "--grid", "table5"], "of a grid must be one metric"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, tmp_path, "--space", "inverseform", *arguments)


@pytest.mark.parametrize("name", NEVER_AN_OBJECTIVE)
def test_a_metric_without_a_direction_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    for several in (name, f"miou,{name}"):
        line = refused(capsys, tmp_path, "--space", "inverseform", "--objective", several)
        assert "--objective must be one of area: miou" in line
        assert line.endswith(f"got {name!r}\n")


def test_every_other_metric_can_be_an_objective() -> None:
    assert set(OBJECTIVES) == built_in().keys() - {*NEVER_AN_OBJECTIVE}
    assert list(parse_objectives(",".join(OBJECTIVES))) == list(OBJECTIVES)


def test_directions_come_from_the_catalog_and_one_objective_stays_one(
    tmp_path: Path,
) -> None:
    common = ["--space", "inverseform", "--storage", str(tmp_path), "--objective"]
    assert parse_objectives("miou, hd95") == BOTH
    several = plan_from_request(options.parse_request([*common, "miou,hd95"]), [NODE])
    one = plan_from_request(options.parse_request([*common, "hd95"]), [NODE])
    assert (several.objective, several.mode, several.objectives) == ("miou", "max", BOTH)
    assert (one.objective, one.mode, one.objectives) == ("hd95", "min", {"hd95": "min"})


def planned(tmp_path: Path, *arguments: str) -> Plan:
    request = options.parse_request(
        ["--space", "inverseform", "--storage", str(tmp_path), *arguments]
    )
    return plan_from_request(request, [NODE])


def test_an_objective_turns_its_measurement_on(tmp_path: Path) -> None:
    assert planned(tmp_path).base["eval/surface"] is False
    for name in ("hausdorff", "hd95", "assd", "miou,hausdorff_volume"):
        base = planned(tmp_path, "--objective", name).base
        assert (base["eval/surface"], base["eval/holes"]) == (True, False)
    assert planned(tmp_path, "--objective", "holes").base["eval/holes"] is True


def test_a_paper_table_with_distances_measures_them_unless_told_not_to(tmp_path: Path) -> None:
    table8 = ["--space", "active_boundary", "--grid", "table8"]
    assert planned(tmp_path, *table8).base["eval/surface"] is True
    off = ["--set", "eval/surface=false"]
    assert planned(tmp_path, *table8, *off).base["eval/surface"] is False


def test_an_objective_that_is_turned_off_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["--objective", "hd95", "--set", "eval/surface=false"]
    line = refused(capsys, tmp_path, "--space", "inverseform", *arguments)
    assert "eval/surface must be true with --objective hd95" in line


@pytest.mark.parametrize(("name", "kind"), [("dice_volume", "volume"), ("davis_j", "film")])
def test_an_objective_that_the_data_do_not_have_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, kind: str
) -> None:
    small = ["--set", "data/train_images=2", "--set", "data/val_images=2"]
    line = refused(
        capsys,
        tmp_path,
        "--space",
        "inverseform",
        "--dataset",
        "shapes",
        "--objective",
        name,
        *small,
    )
    assert f"must be a metric of shapes's images, which are no {kind}s, got {name!r}" in line


def test_a_cell_that_does_not_measure_the_objective_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    factors = ["--factor", "eval/surface=true,false", "--objective", "assd"]
    line = refused(capsys, tmp_path, "--dataset", "shapes", *factors)
    assert "eval/surface must be the same in every cell, here True, got False in" in line
