"""GPUs are named as Ray's nodes report them."""

import pytest

from cluster.accelerators import named


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
