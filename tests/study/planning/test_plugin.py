"""A plug-in: what it adds, how its mistakes read, and that it travels with the study."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from cluster import session
from search_spaces import OWN_GRIDS, SPACES
from study.commands import options
from study.commands.run import main
from study.ledger.plan import PluginText
from study.ledger.study_folder import StudyFolder
from study.planning import make_plan
from study.planning.plugin import install_all, install_from_plan, read_plugin
from study.tracking import runs
from tests.study import fake
from tests.study.commands.test_run import refused
from trainables import plugin, saved
from trainables.config import TrialConfig, field_types, flatten, from_flat, identity
from trainables.config.plugin_fields import PLUGIN, PluginFields
from trainables.data import load
from trainables.losses.batch import Learned
from trainables.losses.compose import active_weights
from trainables.losses.terms import TERMS
from trainables.networks.catalog import NETWORKS
from trainables.training.training import Training

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "my_parts.py"
SMALL = {
    "data/height": 16,
    "data/width": 16,
    "data/train_images": 4,
    "data/val_images": 2,
    "data/test_images": 1,
    "model/width": 4,
    "batch": 2,
}


@pytest.fixture(autouse=True)
def _restore_registries() -> Iterator[None]:
    """Uninstall the test's plug-in and check that nothing of it stays registered."""
    before = (dict(TERMS), dict(NETWORKS), dict(SPACES))
    yield
    plugin.uninstall()
    assert (dict(TERMS), dict(NETWORKS), dict(SPACES)) == before
    assert not OWN_GRIDS
    assert PLUGIN == PluginFields()


@pytest.fixture
def example() -> plugin.Plugin:
    file = read_plugin(str(EXAMPLE))
    install_all(file)
    return file


def losses_of(config: TrialConfig) -> list[float]:
    training = Training(config, load(config.data), Learned(), torch.device("cpu"))
    found = training.train_epoch()
    assert isinstance(found, dict)
    return [value for name, value in found.items() if name.startswith("train/")]


def test_the_example_adds_a_loss_that_trains_a_space_and_a_grid(example: plugin.Plugin) -> None:
    assert {"loss/focal": float, "loss/focal_power": float}.items() <= field_types().items()
    assert (SPACES["focal"].name, OWN_GRIDS["focal_power"].baseline) == ("focal", "cross_entropy")
    plain = TrialConfig().changed({**SMALL, "parts": example.digest})
    focal = plain.changed({"loss/xe": 0.0, "loss/focal": 1.0, "loss/focal_power": 0.0})
    assert active_weights(focal.loss) == {"focal": 1.0}
    assert losses_of(focal) == pytest.approx(losses_of(plain))  # power 0 is the cross-entropy
    assert losses_of(focal.changed({"loss/focal_power": 2.0})) < losses_of(plain)
    assert active_weights(focal.changed({"loss/schedule": "focal from 0.5"}).loss) == {}


def test_its_focal_loss_is_the_paper_s_on_one_pixel(example: plugin.Plugin) -> None:
    logits_BKHW = torch.tensor([2.0, 0.0, -1.0]).view(1, 3, 1, 1)
    p = float(F.softmax(logits_BKHW, 1)[0, 1, 0, 0])
    from trainables.losses.batch import Prediction, Target

    config = TrialConfig().changed({"loss/focal": 1.0, "loss/focal_power": 3.0}).loss
    target = Target(torch.tensor([[[1]]]), 3)
    term = TERMS["focal"].compute(config, Prediction(logits_BKHW, None), target, Learned())
    assert float(term.total) == pytest.approx(-((1 - p) ** 3) * torch.tensor(p).log().item())


def test_its_fields_live_in_the_flat_config_and_its_text_in_the_identity(
    example: plugin.Plugin,
) -> None:
    config = TrialConfig().changed({"loss/focal": 1.5, "parts": example.digest})
    flat = flatten(config)
    assert (flat["loss/focal"], flat["loss/focal_power"]) == (1.5, 2.0)
    assert from_flat(flat) == config
    assert "loss/added" not in flat
    named = identity(config, "d")
    with pytest.raises(ValueError, match="loss/focal must be a finite number >= 0, got -1"):
        config.changed({"loss/focal": -1.0})
    other = plugin.Plugin(example.name, example.text + "# a comment\n")
    install_all(other)
    again = TrialConfig().changed({"loss/focal": 1.5, "parts": other.digest})
    assert identity(again, "d") != named
    with pytest.raises(ValueError, match="parts must be the digest of the file given by --with"):
        from_flat(flat)
    plugin.uninstall()
    with pytest.raises(ValueError, match="unknown config path 'loss/focal'"):
        TrialConfig().changed({"loss/focal": 1.5})


def test_a_trial_without_a_plug_in_keeps_its_identity(example: plugin.Plugin) -> None:
    """Studies from before plug-ins existed are still found, so that no trial runs twice."""
    plugin.uninstall()
    flat = flatten(TrialConfig())
    assert flat.pop("parts") == ""
    assert identity(TrialConfig(), "d") == identity(from_flat(flat), "d")


def test_the_plan_and_the_ledger_carry_the_text(tmp_path: Path, example: plugin.Plugin) -> None:
    given = options.parse_request(["--space", "focal", "--name", "f", "--storage", str(tmp_path)])
    plan = make_plan.plan_from_request(given, [session.local_node()])
    assert plan.plugin == PluginText(name=example.name, text=example.text, digest=example.digest)
    assert plan.base["parts"] == example.digest
    fake.begin(plan)
    plugin.uninstall()
    record = StudyFolder.of(plan).load()
    assert record.plan == fake.as_in_ledger(plan)
    assert plugin.installed() is None  # loading a study does not run its plug-in
    install_from_plan(record.plan, "--resume", trust=True)
    assert plugin.installed() == example  # the file itself is not needed
    assert record.plan.config == plan.config
    assert runs.plugin_file(record.plan) == {"my_parts.py": EXAMPLE.read_text()}


def test_a_saved_network_brings_its_plug_in(tmp_path: Path) -> None:
    file = plugin.Plugin("net.py", NET)
    install_all(file)
    config = TrialConfig().changed({**SMALL, "model/network": "mine", "parts": file.digest})
    training = Training(config, load(config.data), Learned(), torch.device("cpu"))
    saved.save(tmp_path, config, ["a", "b", "c", "d", "e", "f"], training.save())
    plugin.uninstall()
    with pytest.raises(ValueError, match=r"trust must be True to load .*own_parts.py \(digest"):
        saved.load(tmp_path)
    network, again, _ = saved.load(tmp_path, trust=True)
    assert again == config
    assert network(torch.zeros(1, 3, 16, 16)).logits_BKHW.shape == (1, 6, 16, 16)


def test_a_study_without_a_plug_in_installs_none(tmp_path: Path) -> None:
    install_from_plan(fake.begin(fake.plan(tmp_path)).record.plan, "--resume")
    assert plugin.installed() is None


NET = """
from trainables.networks.small import Tiny

NETWORKS = {"mine": Tiny}
"""
LOSS = "from trainables.losses.term import LossTerm\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = (\n", "mine.py:1: '(' was never closed"),
        ("import math\nmath.no_such\n", "mine.py:2: AttributeError: module 'math' has no"),
        (
            "x = 1\n",
            "mine.py:1: must define one of LOSSES, DATASETS, NETWORKS, FEATURES, METRICS, "
            "OPTIMIZERS, SCHEDULES, AUGMENTATIONS, SPACES, GRIDS",
        ),
        ("\nLOSSES = [1]\n", "mine.py:2: LOSSES must be a mapping of names"),
        ("LOSSES = {'a': 3}\n", "mine.py:1: must be a function or a class, got 3 (LOSSES/a)"),
        ("LOSSES = {'lovasz': print}\n", "(prediction, target, *, ...)"),
        (
            "def f(p, t):\n    return 1.0\n\nLOSSES = {'f': f}\n",
            "mine.py:1: must return LossTerm(total, count), got float (LOSSES/f)",
        ),
        (
            f"{LOSS}def f(p, t):\n    x = p.logits_BKHW.square()\n"
            "    return LossTerm(x.mean(), t.valid_BHW.sum())\nLOSSES = {'f': f}\n",
            "mine.py:2: total must be a sum: of the same batch twice the count doubles",
        ),
        (
            f"{LOSS}def f(p, t):\n    x = p.logits_BKHW.square()\n"
            "    return LossTerm(x.sum(), t.valid_BHW.sum())\nLOSSES = {'f': f}\n",
            "mine.py:2: total must leave out void pixels (label 255), got a gradient there",
        ),
        (
            "def f(p, t):\n    return p.logitz\n\nLOSSES = {'f': f}\n",
            "mine.py:2: AttributeError: 'Prediction' object has no attribute 'logitz' (LOSSES/f)",
        ),
        (
            f"{LOSS}def f(p, t):\n    x = p.logits_BKHW.detach().sum()\n    return LossTerm(x, x)\n"
            "LOSSES = {'f': f}\n",
            "mine.py:2: total must have a gradient",
        ),
        (
            f"{LOSS}def f(p, t, *, beta_2):\n    return 1\nLOSSES = {{'f': f}}\n",
            "beta_2 must have a default",
        ),
        (
            "def f(p, t, *, geo=1.0):\n    return 1\nLOSSES = {'lambda': f}\n",
            "loss/lambda_geo is a config field already (LOSSES/lambda)",
        ),
        (
            "NETWORKS = {'unet': print}\n",
            "'unet' is Edgewise's own name; have astmt_modulated, ",
        ),
        ("SPACES = {'s': 1}\n", "must be a Space whose name is 's', got 1 (SPACES/s)"),
        (
            "from search_spaces import Space\n\n"
            "SPACES = {'s': Space(name='s', question='?', dimensions=(), "
            "base={'loss/betta': 1.0})}\n",
            "mine.py:3: unknown config path 'loss/betta'; did you mean loss/beta; have",
        ),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_its_place(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    error = refused(capsys, tmp_path, "--with", str(file), "--space", "region")
    assert error.startswith("study/run.py: --with mine.py:")
    assert words in error


def test_a_missing_file_and_a_plug_in_beside_a_resume_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "--with must be a Python file" in refused(capsys, tmp_path, "--with", "/no/such.py")
    error = refused(capsys, tmp_path, "--with", str(EXAMPLE), "--resume", "x")
    assert "--with cannot be given with --resume" in error


def test_the_list_names_what_the_file_adds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--with", str(EXAMPLE), "--list"]) == 0
    output = capsys.readouterr().out
    for words in ("--space focal", "loss/focal_power=2.0", "focal"):
        assert words in output
    assert main(["--list"]) == 0  # the plug-in is gone for the next command
    output = capsys.readouterr().out
    assert not any(words in output for words in ("--space focal", "loss/focal_power", "your own"))
