"""The plug-in in a ledger is executed only if this user has agreed to it; a report never does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution

import study
from search_spaces import Dimension
from study.analysis.recorded_space import space_of
from study.commands import report
from study.commands.run import main
from study.ledger.design import Search
from study.ledger.events import Chosen, ChosenWeights
from study.ledger.plan import PluginText
from study.ledger.study_folder import StudyFolder
from study.planning import trust
from study.tracking.trial_runs import active_losses
from tests.study import fake
from tests.study.commands.test_run import refused
from tests.study.planning import test_control
from tests.study.search import test_cell_search
from trainables import plugin
from trainables.config import TrialConfig, flatten
from trainables.plugin import Plugin

TEXT = """
from pathlib import Path
Path({mark!r}).write_text("executed")
from search_spaces import Dimension, Space
from optuna.distributions import FloatDistribution
from trainables.networks.small import Tiny

NETWORKS = {{"mine": Tiny}}
lr = Dimension(path="optim/lr", distribution=FloatDistribution(1e-4, 1e-2, log=True), why="")
SPACES = {{"mine_space": Space(name="mine_space", question="?", dimensions=(lr,))}}
"""


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """The file that the plug-in writes when it is executed."""
    yield tmp_path / "mark"
    plugin.uninstall()


def stored(tmp_path: Path, mark: Path, **design: object) -> Plugin:
    """A study whose ledger holds a plug-in that nobody here has given to ``--with``."""
    file = Plugin("mine.py", TEXT.format(mark=str(mark)))
    text = PluginText(name=file.name, text=file.text, digest=file.digest)
    base = {**flatten(TrialConfig()), "epochs": fake.EPOCHS, "parts": file.digest}
    plan = fake.plan(tmp_path / "runs", space="mine_space", base=base, plugin=text, **design)
    fake.ended_study(plan)
    return file


@pytest.mark.parametrize(
    ("flag", "name"),
    [("--resume", "fake"), ("--replay", "fake/0"), ("--winner", "fake")],
)
def test_a_command_names_the_plug_in_and_executes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mark: Path, flag: str, name: str
) -> None:
    file = stored(tmp_path, mark)
    error = refused(capsys, tmp_path / "elsewhere", flag, name, "--storage", str(tmp_path / "runs"))
    assert f"{flag} would execute the plug-in 'mine.py' (digest {file.digest}" in error
    assert "--trust" in error
    assert not mark.exists()


def test_control_executes_nothing_of_an_earlier_ledger_either(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mark: Path
) -> None:
    file = Plugin("mine.py", TEXT.format(mark=str(mark)))
    text = PluginText(name=file.name, text=file.text, digest=file.digest)
    plan = replace(test_cell_search.planned(tmp_path), plugin=text)
    ledger = fake.begin(plan)
    chosen = {
        cell: ChosenWeights(trial=0, changes={**weights, "optim/lr": 0.001})
        for cell, weights in test_control.WEIGHTS.items()
    }
    ledger.append(Chosen(cells=chosen))
    ledger.close()
    words = ["--control", plan.study, "--storage", str(tmp_path)]
    error = refused(capsys, tmp_path / "elsewhere", *words)
    assert f"--control would execute the plug-in 'mine.py' (digest {file.digest}" in error
    assert not mark.exists()
    capsys.readouterr()
    assert main([*words, "--trust"]) == 2  # its cells chose the same values
    assert mark.read_text() == "executed"


def test_trust_executes_it_and_is_remembered(tmp_path: Path, mark: Path) -> None:
    file = stored(tmp_path, mark)
    assert main(["--resume", "fake", "--storage", str(tmp_path / "runs"), "--trust"]) == 0
    assert mark.read_text() == "executed"
    mark.unlink()
    plugin.uninstall()
    trust._agreed.clear()  # as in another process
    assert main(["--resume", "fake", "--storage", str(tmp_path / "runs")]) == 0
    assert mark.exists()
    assert [path.stat().st_mode & 0o77 for path in trust.state_folder().iterdir()] == [0]
    other = Plugin(file.name, file.text + "# changed\n")
    with pytest.raises(ValueError, match=r"would execute the plug-in 'mine.py'"):
        trust.require_agreed(other, "--resume", trust=False)


def test_a_file_given_to_with_is_agreed_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mark: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(TEXT.format(mark=str(mark)))
    assert main(["--with", str(file), "--list"]) == 0
    trust.require_agreed(Plugin("other_name.py", file.read_text()), "--resume", trust=False)
    capsys.readouterr()


def test_without_a_home_the_process_remembers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    trust.agree(Plugin("a.py", "x = 1"))
    trust.require_agreed(Plugin("a.py", "x = 1"), "--resume", trust=False)
    with pytest.raises(ValueError, match="--trust"):
        trust.require_agreed(Plugin("a.py", "x = 2"), "--resume", trust=False)


def test_the_python_api_asks_too(tmp_path: Path, mark: Path) -> None:
    stored(tmp_path, mark)
    with pytest.raises(ValueError, match=r"would execute the plug-in 'mine.py'"):
        study.resume("fake", storage=tmp_path / "runs")
    assert not mark.exists()
    assert len(study.results("fake", tmp_path / "runs")) == 8
    assert len(study.resume("fake", storage=tmp_path / "runs", trust=True)) == 8


def test_a_report_and_mlflow_are_made_without_the_plug_in(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mark: Path
) -> None:
    stored(tmp_path, mark)
    options = ["--storage", str(tmp_path / "runs"), "--tracking-uri", f"sqlite:///{tmp_path}/m.db"]
    assert report.main(["fake", *options, "--rebuild-mlflow"]) == 0
    assert not mark.exists()
    assert plugin.installed() is None
    assert "9 runs" in (output := capsys.readouterr().out) or "8 runs" in output
    assert "gamma" in (tmp_path / "runs" / "fake" / "report" / "report.md").read_text()


def test_the_plan_of_a_plug_in_s_space_describes_it(tmp_path: Path) -> None:
    lr = Dimension(path="optim/lr", distribution=FloatDistribution(1e-4, 1, log=True), why="w")
    plan = fake.plan(tmp_path, space="elsewhere")
    described = fake.plan(
        tmp_path, space="elsewhere", study="b", design=Search(trials=8, dimensions=(lr,))
    )
    fake.begin(described)
    assert space_of(StudyFolder.of(described).load()).dimensions == (lr,)
    drawn = fake.ended_study(plan)
    found = {dimension.path: dimension for dimension in space_of(drawn.record).dimensions}
    assert set(found) == set(fake.params_of(plan, 0)) | set(found)
    for trial in drawn.record.trials.values():
        assert all(found[path].holds(value) for path, value in trial.params.items())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["cross_entropy"]),
        ({"loss/focal": 1.5, "loss/focal_power": 2.0}, ["cross_entropy", "focal"]),
        (
            {"loss/focal": 0.0, "loss/focal_power": 2.0, "loss/xe": 0.0, "loss/lovasz": 1.0},
            ["lovasz"],
        ),
        ({"loss/focal": 1.0, "loss/schedule": "focal from 0.5"}, ["cross_entropy", "focal"]),
        (
            {"loss/lovasz": 1.0, "loss/schedule": "focal from 0.5, lovasz from 0.2"},
            ["cross_entropy", "lovasz"],
        ),
    ],
)
def test_the_active_losses_are_read_without_the_plug_in(
    changes: dict[str, float | str], expected: list[str]
) -> None:
    added: dict[str, float | str] = {"loss/focal": 0.0, "loss/focal_power": 2.0}
    found = active_losses({**flatten(TrialConfig()), **added, **changes, "parts": "0" * 12})
    assert sorted(found) == sorted(expected)
