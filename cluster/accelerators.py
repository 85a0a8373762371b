"""The GPUs of a cluster by name, as Ray's nodes report them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

_TYPE = "accelerator_type:"
_WITH_BF16 = re.compile(
    r"(A\d+[A-Z]?|L\d+S?|G?[BH]\d{2,3}|RTX-PRO|RTX-A\d+|NVIDIA-GeForce-RTX-[3-9]0[5-9]0)(-.*)?"
)
"""Ray's names of NVIDIA's cards since Ampere, which have compute capability 8 or more."""


def accelerators() -> str:
    """Those of the attached cluster, as ``named`` says them; "" without a cluster."""
    import ray

    if not ray.is_initialized():
        return ""
    return named(node["Resources"] for node in ray.nodes() if node["Alive"])


def named(resources: Iterable[Mapping[str, float]]) -> str:
    """``2 x H100, 1 x A10G`` for the resources of each node; "" if none has a GPU.

    A node has one kind of GPU; Ray does not know the name of every kind.
    """
    found: Counter[str] = Counter()
    for node in resources:
        names = types(node)
        if count := int(node.get("GPU", 0)):
            found[names[0] if names else "unnamed GPU"] += count
    return ", ".join(f"{count} x {name}" for name, count in sorted(found.items()))


def have_bf16(names: Iterable[str]) -> bool:
    """Whether GPUs of one of these names are known to compute in bfloat16."""
    return any(_WITH_BF16.fullmatch(name) for name in names)


def types(resources: Iterable[str]) -> list[str]:
    """The names of a node's kinds of GPU, among its resources; [] if Ray knows none."""
    return [name.removeprefix(_TYPE) for name in resources if name.startswith(_TYPE)]
