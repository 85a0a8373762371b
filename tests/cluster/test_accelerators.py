"""GPUs are named as Ray's nodes report them."""

import pytest

from cluster.accelerators import have_bf16, named, types


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([{"CPU": 8.0}], ""),
        ([{"CPU": 8.0, "GPU": 2.0, "accelerator_type:H100": 1.0}], "2 x H100"),
        (
            [
                {"GPU": 4.0, "accelerator_type:H100": 1.0},
                {"GPU": 1.0, "accelerator_type:A10G": 1.0},
                {"GPU": 4.0, "accelerator_type:H100": 1.0},
                {"GPU": 1.0},
            ],
            "1 x A10G, 8 x H100, 1 x unnamed GPU",
        ),
    ],
)
def test_each_kind_is_counted_over_all_nodes(nodes: list[dict[str, float]], said: str) -> None:
    assert named(nodes) == said


@pytest.mark.parametrize(
    "name",
    [
        *("A100", "A100-40G", "A10G", "A30", "L4", "L40S", "H100", "H200", "H20", "B200", "GB300"),
        *("GH200", "RTX-PRO-6000", "RTX-A6000", "NVIDIA-GeForce-RTX-4090"),
    ],
)
def test_cards_since_ampere_compute_in_bf16(name: str) -> None:
    assert have_bf16(types({"GPU": 1.0, f"accelerator_type:{name}": 1.0}))


@pytest.mark.parametrize(
    "name",
    [
        *("V100", "P100", "T4", "P4", "K80", "M60", "", "AMD-Instinct-MI100", "TPU-V4", "M3-Max"),
        *("NVIDIA-GeForce-RTX-2080-Ti", "NVIDIA-GeForce-GTX-1080", "Intel-GAUDI", "Ascend910B"),
    ],
)
def test_older_and_unknown_cards_are_not_known_to(name: str) -> None:
    assert not have_bf16(types({"GPU": 1.0, f"accelerator_type:{name}": 1.0}))
