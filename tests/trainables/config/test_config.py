"""The config: paths, validation in one line, identity by content."""

import pytest

from trainables.config import TrialConfig, field_types, flatten, from_flat, identity, parse


def test_every_path_is_documented_and_round_trips() -> None:
    flat = flatten(TrialConfig())
    assert set(flat) == set(field_types())
    assert from_flat(flat) == TrialConfig()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"loss/gama": 0.1},
            "unknown config path 'loss/gama'; did you mean loss/gamma; have",
        ),
        ({"nothing": 1}, "unknown config path 'nothing'; have batch, data, dense_crf, edge_net"),
        ({"loss/gamma": -0.1}, "loss/gamma must be"),
        ({"loss/gamma": float("nan")}, "loss/gamma must be"),
        ({"loss/gamma": float("inf")}, "loss/gamma must be"),
        ({"loss/tile": 4}, "loss/tile must be >= 8, got 4"),
        ({"loss/tile": 16.5}, "loss/tile must be a whole number, got 16.5"),
        ({"epochs": True}, "epochs must be a whole number, got True"),
        ({"epochs": 0}, "epochs must be >= 1, got 0"),
        ({"model/network": "vgg"}, "model/network must be one of tiny, unet, fpn"),
        ({"model/width": 6}, "model/width must be a multiple of 4, got 6"),
        ({"optim/lr": 0.0}, "optim/lr must be > 0, got 0.0"),
        ({"data/height": -1}, "data/height must be >= 0, got -1"),
    ],
)
def test_a_bad_value_is_named_in_one_line(changes: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=r"must be|unknown") as caught:
        TrialConfig().changed(changes)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("epochs", "8", 8),
        ("optim/lr", "1e-3", 1e-3),
        ("data/flip", "False", False),
        ("model/network", "fpn", "fpn"),
    ],
)
def test_a_command_line_value_gets_its_field_s_type(path: str, text: str, value: object) -> None:
    assert parse(path, text) == value
    assert type(parse(path, text)) is type(value)


@pytest.mark.parametrize(("path", "text"), [("epochs", "many"), ("data/flip", "yes")])
def test_a_command_line_value_of_another_type_is_refused(path: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{path} must be"):
        parse(path, text)


def test_identity_is_the_content_and_not_the_place() -> None:
    config = TrialConfig()
    assert identity(config, "d") == identity(config.changed({"data/root": "/elsewhere"}), "d")
    assert identity(config, "d") != identity(config, "e")
    assert identity(config, "d") != identity(config.changed({"seed": 1}), "d")
    assert identity(config.changed({"loss/gamma": 1}), "d") == identity(
        config.changed({"loss/gamma": 1.0}), "d"
    )
