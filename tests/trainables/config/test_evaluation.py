"""The section ``eval``: what its texts mean, for the test and for validation."""

import pytest

from trainables.config import EvalConfig

PAPER = {"scales": "abl_cityscapes", "flip": True, "window": "769", "stride": "512"}
SAID = "7 scales 0.5..2 and mirrored, windows 769x769 every 512x512"


@pytest.mark.parametrize(
    ("given", "test", "validation"),
    [
        ({}, "single scale, whole images", "single scale, whole images"),
        (PAPER, SAID, SAID),
        ({"scales": "0.5,2"}, "2 scales 0.5..2, whole images", "2 scales 0.5..2, whole images"),
        ({"scales": "1.5"}, "single scale 1.5, whole images", "single scale 1.5, whole images"),
        (
            {**PAPER, "val_scales": "1", "val_flip": "off", "val_window": "whole"},
            SAID,
            "single scale, whole images",
        ),
        (
            {"val_flip": "on", "window": "512x1024"},
            "single scale, windows 512x1024 every 341x682",
            "single scale and mirrored, windows 512x1024 every 341x682",
        ),
        # A window of validation's own has a stride of its own.
        (
            {"window": "90", "stride": "80", "val_window": "30"},
            "single scale, windows 90x90 every 80x80",
            "single scale, windows 30x30 every 20x20",
        ),
        (
            {"window": "90", "stride": "80", "val_stride": "90"},
            "single scale, windows 90x90 every 80x80",
            "single scale, windows 90x90 every 90x90",
        ),
    ],
)
def test_validation_follows_the_test_unless_it_differs(
    given: dict[str, str | bool], test: str, validation: str
) -> None:
    config = EvalConfig(**given)  # type: ignore[arg-type]
    assert str(config.of("test")) == test
    assert str(config.of("val")) == validation
    assert config.of("test").is_plain == (test == "single scale, whole images")


def test_abl_s_two_lists_of_scales() -> None:
    """Sec. 4.1: {0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0} and {0.5, 0.75, 1.0, 1.25, 1.5, 1.75}."""
    assert EvalConfig(scales="abl_cityscapes").of("test").scales == tuple(
        quarter / 4 for quarter in range(2, 9)
    )
    assert EvalConfig(scales="abl_ade20k").of("test").scales == tuple(
        quarter / 4 for quarter in range(2, 8)
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scales": ""}, "eval/scales must be abl_cityscapes or abl_ade20k, or one or more"),
        ({"scales": "1,1"}, "eval/scales must be .* different numbers in 0.1 .. 4"),
        ({"val_scales": "0"}, "eval/val_scales must be .* different numbers in 0.1 .. 4"),
        ({"scales": "nan"}, "eval/scales must be .* different numbers in 0.1 .. 4"),
        ({"window": "0x5"}, "eval/window must be whole, N or ROWSxCOLUMNS, got '0x5'"),
        ({"window": "4", "stride": "5x4"}, "eval/stride must be N or ROWSxCOLUMNS, at most"),
        ({"stride": "4"}, r"eval/stride must be N or ROWSxCOLUMNS, at most the window \(whole\)"),
        ({"window": "9", "val_window": "4", "val_stride": "5"}, "eval/val_stride must be"),
        ({"val_flip": "true"}, "eval/val_flip must be one of"),
    ],
)
def test_impossible_settings_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EvalConfig(**given)  # type: ignore[arg-type]
