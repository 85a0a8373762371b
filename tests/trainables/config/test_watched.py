"""A config that notes what is read of it."""

import pytest

from trainables.config import TrialConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.config.watched import watched


def test_a_read_is_noted_with_its_value_and_nothing_else_is() -> None:
    config, watch = watched(TrialConfig().changed({"loss/theta": 12.0, "optim/lr": 0.125}))
    assert watch.used == {}
    assert (config.loss.theta, config.optim.lr, config.batch) == (12.0, 0.125, 8)
    assert watch.used == {"loss/theta": 12.0, "optim/lr": 0.125}


def test_a_method_notes_what_it_reads() -> None:
    config, watch = watched(TrialConfig().changed({"loss/tile": 16}))
    assert config.loss.tile_px(48) == 16
    assert watch.used == {"loss/resize": "none", "loss/tile_share": 0.0, "loss/tile": 16}


def test_nothing_is_noted_in_a_pause() -> None:
    config, watch = watched(TrialConfig())
    with watch.paused():
        assert config.loss.theta == 20
    assert watch.used == {}
    assert config.loss.theta == 20
    assert watch.used == {"loss/theta": 20}


def test_the_field_of_a_plug_in_is_noted_under_its_own_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PLUGIN, "loss_fields", {"mine": 0.0, "mine_power": 2.0})
    config, watch = watched(TrialConfig().changed({"loss/mine_power": 3.0}))
    assert config.loss.plugin_field("mine_power") == 3.0
    assert watch.used == {"loss/mine_power": 3.0}
