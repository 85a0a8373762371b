"""A whole network's initial weights from a file: heads and decoder, not the backbone alone."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from trainables.networks.standardise import without_images
from trainables.networks.weights import first, read_state, stripped

_OURS = "network."
"""What this project's own files have before every name."""


def load_network(network: nn.Module, path: Path) -> str:
    """Load every tensor that fits by name and shape, and say what was loaded, new and left over.

    The file may be a trial's checkpoint, a model saved by a study, or a state dict of other code:
    prefixes such as ``module.`` or ``backbone.`` are removed on both sides, where that leaves names
    that differ, and ``Network.published`` translates those of public weights.

    Args:
        network: a ``Segmenter``, changed in place.

    Raises:
        ValueError: the file is missing, is no state dict, or nothing in it fits.
    """
    published = getattr(getattr(network, "network", None), "published", {})
    read = _short(without_images(read_state(path, "model/init")))
    state = {renamed(name, published): found for name, found in read.items()}
    own = _short(without_images(network.state_dict()))
    fitting = {
        own[name][0]: value.to(own[name][1].dtype)
        for name, (_, value) in state.items()
        if name in own and own[name][1].shape == value.shape
    }
    learned = [name for name, _ in own.values() if not name.endswith("num_batches_tracked")]
    if not any(name in fitting for name in learned):
        raise ValueError(f"model/init: nothing in {path} fits this network")
    network.load_state_dict(fitting, strict=False)
    new = [name for name in learned if name not in fitting]
    reshaped = [own[name][0] for name in state if name in own and own[name][0] not in fitting]
    left_over = [full for name, (full, _) in state.items() if name not in own]
    return (
        f"{len(fitting)} tensors loaded from {path.name}, {len(new)} new{first(new)}, of which "
        f"{len(reshaped)} have another shape in the file{first(reshaped)}; "
        f"{len(left_over)} of the file left over{first(left_over)}"
    )


def renamed(name: str, modules: Mapping[str, str]) -> str:
    """A parameter's name with its module renamed, the innermost one that is listed."""
    module, _, rest = name.rpartition(".")
    while module:
        if module in modules:
            return f"{modules[module]}.{rest}"
        module, _, inner = module.rpartition(".")
        rest = f"{inner}.{rest}"
    return name


def _short(state: dict[str, Tensor]) -> dict[str, tuple[str, Tensor]]:
    """The tensors and their full names by the name without prefixes, or by the full one where two
    would be called the same."""
    short = {name: _bare(name) for name in state}
    times = Counter(short.values())
    return {
        short[name] if times[short[name]] == 1 else name: (name, value)
        for name, value in state.items()
    }


def _bare(name: str) -> str:
    while (shorter := stripped(name.removeprefix(_OURS))) != name:
        name = shorter
    return name
