"""A plug-in's optimiser, schedule, augmentation and metric: their fields, and their mistakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import session
from search_spaces.space import Space
from study.commands import options
from study.ledger.plan import Plan
from study.ledger.study_folder import StudyFolder
from study.planning import make_plan
from study.planning.plugin import install_given
from tests.study import fake
from tests.study.commands.test_run import refused
from trainables import plugin
from trainables.config import TrialConfig, Value, flatten, from_flat, identity
from trainables.config.plugin_fields import PLUGIN, PluginFields
from trainables.data.plugin_augmentation import AUGMENTATIONS
from trainables.metrics.catalog import METRICS
from trainables.metrics.declared import declare
from trainables.metrics.plugin_metric import PLUGIN_METRICS
from trainables.optim.optimizers import OPTIMIZERS
from trainables.optim.schedules import SCHEDULES, rate_factor
from trainables.training.first_difference import first_difference

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "my_training.py"
OTHER = EXAMPLE.parent / "my_parts.py"
USED: dict[str, Value] = {"optim/optimizer": "lion", "optim/schedule": "steps", "data/noise": 0.5}


@pytest.fixture(autouse=True)
def _without_plugin() -> Iterator[None]:
    yield
    plugin.uninstall()


@pytest.fixture
def example() -> None:
    install_given([str(EXAMPLE), str(OTHER)])


def planned(folder: Path, *arguments: str) -> Plan:
    given = options.parse_request([*arguments, "--storage", str(folder)])
    return make_plan.plan_from_request(given, [session.local_node()])


def test_its_fields_are_the_config_s_as_long_as_it_is_installed(example: None) -> None:
    config = TrialConfig().changed({**USED, "optim/lion_beta_1": 0.8, "data/noise_strength": 3})
    flat = flatten(config)
    assert (flat["optim/lion_beta_1"], flat["optim/lion_beta_2"]) == (0.8, 0.99)
    assert (flat["data/noise"], flat["data/noise_strength"]) == (0.5, 3.0)
    assert from_flat(flat) == config
    assert not [path for path in flat if path.endswith("/added")]
    assert identity(config, "d") != identity(config.changed({"optim/lion_beta_1": 0.7}), "d")
    with pytest.raises(ValueError, match=r"data/noise must be a probability, 0 .. 1, got 1.5"):
        config.changed({"data/noise": 1.5})
    with pytest.raises(ValueError, match=r"optim/steps_drops must be a whole number, got 0\.5"):
        config.changed({"optim/steps_drops": 0.5})
    plugin.uninstall()
    assert PLUGIN == PluginFields()
    names = (OPTIMIZERS.keys(), SCHEDULES.keys(), AUGMENTATIONS.keys(), PLUGIN_METRICS.keys())
    assert not {"lion", "steps", "noise", "mean_recall"} & set().union(*names)
    with pytest.raises(ValueError, match="optim/optimizer must be one of adamw, sgd, got 'lion'"):
        TrialConfig().changed({"optim/optimizer": "lion"})


def test_its_schedule_follows_its_parameters(example: None) -> None:
    optim = TrialConfig().changed({**USED, "optim/steps_gamma": 0.5, "optim/steps_drops": 1}).optim
    assert [rate_factor(optim, step, 4) for step in range(5)] == [1, 1, 0.5, 0.5, 0.5]


def test_augmentation_shares_images_but_no_epochs(example: None) -> None:
    plain = TrialConfig()
    for path, value in {"data/noise": 0.5, "data/noise_strength": 3.0, "data/rotate": 9.0}.items():
        changed = plain.changed({path: value})
        assert changed.data.unaugmented() == plain.data.unaugmented()
        assert first_difference(plain, changed) == 0


def test_a_space_and_factors_of_its_fields_are_planned(tmp_path: Path, example: None) -> None:
    plan = planned(tmp_path, "--space", "lion", "--objective", "mean_recall")
    assert plan.objectives == {"mean_recall": "max"}
    assert plan.base["optim/optimizer"] == "lion"
    given = ("--factor", "data/rotate=0,15", "--factor", "optim/optimizer=adamw,lion")
    cells = planned(tmp_path, *given).grid.cells
    assert [tuple(cell.changes.values()) for cell in cells] == [
        (0.0, "adamw"),
        (15.0, "adamw"),
        (0.0, "lion"),
    ]


def test_a_report_knows_its_metric_without_executing_it(tmp_path: Path, example: None) -> None:
    plan = planned(tmp_path, "--space", "lion", "--objective", "mean_recall", "--name", "r")
    fake.begin(plan)
    plugin.uninstall()
    del METRICS["mean_recall"]  # as in a process that has never had the plug-in
    again = StudyFolder.of(plan).load().plan
    assert again == fake.as_in_ledger(plan)
    assert (METRICS["mean_recall"].unit, METRICS["mean_recall"].high) == ("fraction", 1.0)
    assert plugin.installed() is None
    with pytest.raises(ValueError, match="--objective must be one of"):
        planned(tmp_path, "--space", "region", "--objective", "mean_recall")
    with pytest.raises(ValueError, match="the metric 'mean_recall' must be max in fraction, as"):
        declare({"mean_recall": METRICS["mean_recall"]._replace(direction="min")})


def test_a_study_without_own_metrics_is_written_as_before(tmp_path: Path) -> None:
    fake.begin(planned(tmp_path, "--space", "region", "--name", "r"))
    assert "plugin_metrics" not in (tmp_path / "r" / "ledger.jsonl").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def f(g, lr):\n    return None\nOPTIMIZERS = {'o': f}\n",
            "mine.py:1: must take (groups, lr, weight_decay, *, ...), got (g, lr) (OPTIMIZERS/o)",
        ),
        (
            "def f(g, lr, d):\n    return 3\nOPTIMIZERS = {'o': f}\n",
            "mine.py:1: must return a torch.optim.Optimizer, got int (OPTIMIZERS/o)",
        ),
        (
            "def f(g, lr, d):\n    raise OSError('no')\nOPTIMIZERS = {'o': f}\n",
            "mine.py:2: OSError: no (OPTIMIZERS/o)",
        ),
        (
            "def f(p):\n    return -p\nSCHEDULES = {'s': f}\n",
            "mine.py:1: the factor must be a finite number >= 0 at progress 0.01, got -0.01 "
            "(SCHEDULES/s)",
        ),
        (
            "def f(p, *, power=0.9):\n    return p\nSCHEDULES = {'poly': f}\n",
            "mine.py:1: optim/poly_power is a config field already (SCHEDULES/poly)",
        ),
        (
            "def f(p):\n    return p\nSCHEDULES = {'poly': f}\n",
            "mine.py:1: 'poly' is Edgewise's own name; have constant, one_cycle, poly",
        ),
        (
            "def f(i, m, r):\n    return i[:, ::2], m\nAUGMENTATIONS = {'a': f}\n",
            "mine.py:1: image must stay uint8 (32, 48, 3), got uint8 (32, 24, 3)",
        ),
        (
            "def f(i, m, r):\n    return i, m\nAUGMENTATIONS = {'rotate': f}\n",
            "mine.py:1: data/rotate is a config field already (AUGMENTATIONS/rotate)",
        ),
        ("METRICS = {'m': len}\n", "mine.py:1: must be an ImageMetric, got <built-in function"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    error = refused(capsys, tmp_path, "--with", str(file), "--space", "region")
    assert words in error


GAMMA = """
def fall(progress, *, gamma=0.5):
    return 1 - progress / gamma if gamma < 1 else 1.0
SCHEDULES = {"fall": fall}
"""


def test_a_value_that_its_schedule_cannot_take_is_refused_with_the_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(GAMMA.replace("0.5", "1.0"))
    given = ("--factor", "optim/fall_gamma=1,0.5", "--set", "optim/schedule=fall")
    error = refused(capsys, tmp_path, "--with", str(file), *given)
    assert "mine.py:2: the factor must be a finite number >= 0 at progress 0.51" in error
    assert "with optim/fall_gamma=0.5 (SCHEDULES/fall)" in error


def test_two_files_with_one_name_in_a_table_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("def f(p):\n    return 1.0\nSCHEDULES = {'s': f}\n")
    files = [part for name in ("one.py", "two.py") for part in ("--with", str(tmp_path / name))]
    error = refused(capsys, tmp_path, *files, "--space", "region")
    assert "SCHEDULES/s is in one.py and in two.py" in error


def test_the_example_s_space_is_named(example: None) -> None:
    from search_spaces import SPACES

    assert isinstance(SPACES["lion"], Space)
    assert "focal" in SPACES  # of the other file
