"""The arguments of `import study`: named and typed, as the command's options; errors name them."""

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import study
from study.commands import python_api, start
from study.commands.export import ExportRequest
from study.commands.predict import PredictRequest
from study.commands.python_arguments import named_as_in_python
from study.execution.stopping import Policy
from study.planning.request import StudyRequest


def test_every_option_of_the_command_is_a_named_argument_with_its_default() -> None:
    """But for those that are functions here, or say how a plan is run."""
    found = inspect.signature(study.plan).parameters
    functions = {"resume", "check_data", "list_names", "dry_run", "verbose"}
    of_runs = {"max_failures", "on_oom", "lane_wait"}
    options_there = {field.name: field.default for field in fields(StudyRequest)}
    assert {*found} == {*options_there} - functions - of_runs
    assert {name: one.default for name, one in found.items()} == {
        name: options_there[name] for name in found
    }
    assert {*inspect.signature(study.run_plan).parameters} == {"plan", "verbose", *of_runs}
    assert not {"", inspect.Parameter.empty} & {one.annotation for one in found.values()}


def test_predict_and_export_have_the_options_of_their_commands() -> None:
    for function, request in ((study.predict, PredictRequest), (study.export, ExportRequest)):
        options_there = {field.name for field in fields(request)}
        assert {*inspect.signature(function).parameters} == options_there


def test_names_and_mappings_are_given_as_python_has_them(tmp_path: Path) -> None:
    made = study.plan(
        factor={"loss/lovasz": [0, 0.5], "data/flip": [True, False]},
        mode="full",
        seeds=6,
        name="n",
        storage=str(tmp_path),
    )
    assert len(made.design.cells) == 4
    several = study.plan(space="region", objective=["miou", "boundary_f_3px"], storage=tmp_path)
    assert list(several.objectives) == ["miou", "boundary_f_3px"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"space": "regoin"}, "^space must be one of"),
        ({"space": "region", "trials": "3"}, "^trials must be a whole number or None, got '3'"),
        ({"space": "region", "trials": True}, "^trials must be a whole number or None, got True"),
        ({"space": "region", "gpus_per_worker": "1"}, "^gpus_per_worker must be a number or auto"),
        ({"space": "region", "changes": "loss/beta=1"}, "^changes must be a list, or what"),
        ({"space": "region", "changes": {"loss/betta": 1}}, "unknown config path 'loss/betta'"),
        ({"with_parts": "/no/such.py"}, "^with_parts must be a Python file"),
        ({"factor": {"loss/lovasz": 3}}, r"^factor\['loss/lovasz'\] must be a list of values"),
        ({"grid": "table1", "trials": 3}, "^[^-]*$"),
    ],
)
def test_a_mistake_is_a_line_that_names_the_argument(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        study.plan(**given)


def test_an_unknown_argument_is_python_s_own_error() -> None:
    unknown: dict[str, Any] = {"trails": 3}
    with pytest.raises(TypeError, match="'trails'"):
        study.plan(space="region", **unknown)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--max-hours must be above 0", "max_hours must be above 0"),
        ("to follow: --set data/links=follow", 'to follow: changes={"data/links": "follow"}'),
        ("give it to --with, or --list test", "give it to with_parts, or list_name test"),
        ("runs/a--b and x/--y stay", "runs/a--b and x/--y stay"),
    ],
)
def test_options_in_an_error_are_named_as_arguments(line: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"), named_as_in_python():
        raise ValueError(line)


def test_a_command_in_an_error_can_be_typed() -> None:
    line = "first python study/run.py --resume NAME --max-hours 5"
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"), named_as_in_python():
        raise ValueError(line)


def test_a_run_s_policy_reaches_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(self: start.PlannedStudy, policy: Policy, **options: object) -> int:
        seen.append((policy, options["dry_run"]))
        return 0

    monkeypatch.setattr(start.PlannedStudy, "check_and_run", look)
    monkeypatch.setattr(python_api, "results", lambda *_: None)
    made = study.plan(space="region", name="n", storage=tmp_path)
    study.run_plan(made, max_failures=2, on_oom="halve", lane_wait=1)
    assert seen == [(Policy(2, "halve", 60), False)]
    with pytest.raises(ValueError, match=r"^on_oom must be one of fail, halve, got 'half'"):
        study.run_plan(made, on_oom="half")


def test_a_notebook_shows_a_plan_as_a_table(tmp_path: Path) -> None:
    shown = study.plan(space="region", epochs=1, name="n", storage=tmp_path / "<b>")._repr_html_()
    rows = re.findall("<tr><th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td></tr>", shown)
    assert [name for name, _ in rows] == [
        *("study", "question", "runs", "trials", "compared by", "data", "lanes"),
    ]
    assert dict(rows)["study"].endswith("&lt;b&gt;")
    assert dict(rows)["trials"].endswith("of 1 epoch")
