"""The GPUs of a cluster by name, as Ray's nodes report them."""

from collections import Counter
from collections.abc import Iterable, Mapping

_TYPE = "accelerator_type:"


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
        names = [name.removeprefix(_TYPE) for name in node if name.startswith(_TYPE)]
        if count := int(node.get("GPU", 0)):
            found[names[0] if names else "unnamed GPU"] += count
    return ", ".join(f"{count} x {name}" for name, count in sorted(found.items()))
