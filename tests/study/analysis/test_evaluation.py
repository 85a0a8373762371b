"""How networks are evaluated, in words."""

from study.analysis.evaluation import described, of_list
from study.reporting.values import sizes
from trainables.config import TrialConfig, Value, flatten

SAID = "7 scales 0.5..2 and mirrored, windows 769x769 every 512x512"
CHEAP = "single scale, whole images"


def base(**changes: Value) -> dict[str, Value]:
    return flatten(TrialConfig().changed({"data/dataset": "cityscapes", **changes}))


PAPER: dict[str, Value] = {
    "eval/scales": "abl_cityscapes",
    "eval/flip": True,
    "eval/window": "769",
    "eval/stride": "512",
}


def test_both_lists_are_described() -> None:
    assert described(base()) == f"test and validation: {CHEAP}"
    assert described(base(**PAPER)) == f"test and validation: {SAID}"
    cheap: dict[str, Value] = {"eval/val_scales": "1", "eval/val_flip": "off"}
    both = base(**PAPER, **cheap, **{"eval/val_window": "whole"})
    assert described(both) == f"test: {SAID}; validation: {CHEAP}"
    assert of_list(both, "val") == CHEAP


def test_resized_labels_are_told_but_for_the_built_in_scenes() -> None:
    size: dict[str, Value] = {"data/height": 512, "data/width": 1024}
    assert of_list(base(**size), "test") == f"{CHEAP}, on labels resized to 512x1024"
    assert described(base(**size)).endswith("whole images, on labels resized to 512x1024")
    assert "resized" not in described(base(**size, **{"data/dataset": "shapes"}))


def test_a_ledger_that_is_older_than_the_fields_or_has_a_plug_in_s_is_described() -> None:
    assert described({"data/dataset": "camvid", "loss/mine": 1.0}) == (
        f"test and validation: {CHEAP}"
    )


def test_sizes_are_said_unless_they_differ() -> None:
    assert sizes([24, 32]) == "32 x 24 px"
    assert sizes([]) == sizes(None) == "images of differing sizes"


def test_the_scales_that_a_network_weighs_itself_are_told() -> None:
    of_hms = base(**{"model/network": "hms", "model/test_attention_scales": "0.5,1"})
    assert described(of_hms) == f"test and validation: {CHEAP}, each by HMS at the scales 0.5, 1"
    without = {path: value for path, value in of_hms.items() if "attention" not in path}
    assert of_list(without, "val") == f"{CHEAP}, each by HMS at the scales 0.5, 1, 2"
