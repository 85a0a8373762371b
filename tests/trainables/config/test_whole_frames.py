"""What a network that follows an object cannot be evaluated with."""

import pytest

from trainables.config import TrialConfig


@pytest.mark.parametrize("field", ["eval/window", "eval/val_window"])
def test_windows_are_refused_in_one_line(field: str) -> None:
    with pytest.raises(ValueError, match=field) as error:
        TrialConfig().changed({"model/network": "stm_small", "data/clip": 3, field: "64"})
    assert str(error.value) == (
        f"{field} must be whole with stm_small, which follows an object through complete frames, "
        "got '64'"
    )
    assert TrialConfig().changed({"model/network": "fpn", field: "64"})


def test_scales_and_mirrors_are_not() -> None:
    whole = {"eval/window": "whole", "eval/val_window": "whole"}
    network: dict[str, str | int] = {"model/network": "stm", "data/clip": 3}
    assert TrialConfig().changed({**network, **whole, "eval/scales": "0.5,1", "eval/flip": True})
