"""Several files given to --with are one plug-in, and each error names its own file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from search_spaces import SPACES
from study.planning.plugin import install_given, read_plugin
from study.planning.plugin_files import joined
from trainables import plugin
from trainables.config import TrialConfig
from trainables.losses.terms import TERMS

LOSS = """
from trainables.losses.term import LossTerm


def _value(prediction, target, power):
    return (prediction.logits_BKHW ** 2)[:, 0] * power


def {name}(prediction, target, *, power: float = {power}):
    value_BHW = _value(prediction, target, power)[target.valid_BHW]
    return LossTerm(value_BHW.sum(), target.valid_BHW.sum())


LOSSES = {{"{name}": {name}}}
"""
SPACE = """
from optuna.distributions import FloatDistribution
from search_spaces import Dimension, Space

SPACES = {
    "mine": Space(
        name="mine",
        question="Which?",
        base={"loss/first": 1.0},
        dimensions=(
            Dimension(path="loss/second", distribution=FloatDistribution(0.1, 1.0), why="-"),
        ),
    )
}
"""


@pytest.fixture(autouse=True)
def _without_plugin() -> Iterator[None]:
    yield
    plugin.uninstall()


def write(folder: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return [str(folder / f"{name}.py") for name in texts]


def test_a_space_may_search_the_losses_of_two_other_files(tmp_path: Path) -> None:
    losses = {n: LOSS.format(name=n, power=p) for n, p in (("first", 2.0), ("second", 3.0))}
    install_given(write(tmp_path, space=SPACE, **losses))
    assert {"first", "second"} <= TERMS.keys()
    assert "mine" in SPACES
    config = TrialConfig().changed({"loss/second": 0.5, "loss/first_power": 7.0})
    assert config.loss.plugin_field("first_power") == 7.0
    assert config.loss.plugin_field("second_power") == 3.0  # each file has its own names


def test_the_text_that_travels_installs_the_same(tmp_path: Path) -> None:
    paths = write(tmp_path, **{n: LOSS.format(name=n, power=2.0) for n in ("first", "second")})
    made = joined([read_plugin(path) for path in paths])
    for path in paths:
        Path(path).unlink()  # a worker has the text alone
    plugin.install(plugin.Plugin(made.name, made.text))
    assert {"first", "second"} <= TERMS.keys()


def test_one_file_is_itself(tmp_path: Path) -> None:
    (path,) = write(tmp_path, alone=LOSS.format(name="alone", power=2.0))
    assert joined([read_plugin(path)]) == read_plugin(path)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ('LOSSES = {"second": 3}', "LOSSES/second"),
        ("x = 1\nraise KeyError('no')", "second.py:2: KeyError: 'no'"),
        ("x = (", "second.py"),
        (LOSS.format(name="first", power=3.0), "LOSSES/first is in first.py and in second.py"),
        (LOSS.format(name="second", power=2.0).replace("** 2", "** q"), "second.py:6: NameError"),
    ],
    ids=["no-loss", "raises", "syntax", "twice", "fails"],
)
def test_a_mistake_is_one_line_with_its_own_file(tmp_path: Path, second: str, words: str) -> None:
    paths = write(tmp_path, first=LOSS.format(name="first", power=2.0), second=second)
    with pytest.raises(ValueError, match="--with") as caught:
        install_given(paths)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not TERMS.keys() & {"first", "second"}


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    paths = [
        *write(tmp_path, mine=LOSS.format(name="first", power=2.0)),
        *write(tmp_path / "other", mine=LOSS.format(name="second", power=2.0)),
    ]
    with pytest.raises(ValueError, match="--with must be given files of different names"):
        install_given(paths)
