"""The output of a layer inside a module, by the layer's path.

Shape letters: B images, D features, H rows, W columns (h, w at the layer's stride).
"""

import difflib

import torch
from torch import Tensor, nn

from trainables.config import refused

_SIDES = (64, 128, 224, 256, 512)
"""Of the images that show D: some modules take large ones only, or one size."""


class LayerOutput:
    """Reads what a layer last returned."""

    def __init__(self, network: str, module: nn.Module, layer: str) -> None:
        """Args: the network's name, for messages; the module; the path of a layer in it.

        Raises:
            ValueError: the module has no such layer; the line gives similar ones.
        """
        self._network, self._layer = network, layer
        self._found: object = None
        layers = dict(module.named_modules())
        if layer not in layers:
            near = difflib.get_close_matches(layer, layers, cutoff=0.3) or list(layers)[1:4]
            raise refused(
                "model/features", f"a layer of {network}, such as {', '.join(near)}", layer
            )
        # A bound method: a copy of the network (its moving average) then has a hook of its own.
        layers[layer].register_forward_hook(self._keep)

    def _keep(self, _: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        self._found = output

    def take(self) -> Tensor:
        """The features (B,D,h,w) of the last call of the module.

        Raises:
            ValueError: the layer did not run, or returned something else.
        """
        found, self._found = self._found, None
        if isinstance(found, Tensor) and found.is_floating_point() and found.ndim == 4:
            return found
        allowed = f"a layer of {self._network} whose output is float (B,D,h,w)"
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise refused("model/features", f"{allowed}, which {self._layer} is not", shape)

    def channels(self, module: nn.Module, bands: int) -> int:
        """D, found by one call of the module in evaluation mode, on images of so many bands.

        Raises:
            ValueError: it takes no image of a usual size, or as ``take``.
        """
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            _call(module, bands)
            return self.take().shape[1]
        finally:
            for part, training in modes.items():
                part.training = training


def _call(module: nn.Module, bands: int) -> None:
    """Call it on black images of growing size until it takes one."""
    like = next(module.parameters(), torch.empty(0))
    last: Exception | None = None
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for side in _SIDES:
            try:
                module(torch.zeros(1, bands, side, side, device=like.device))
            except Exception as error:  # the user's code may raise anything
                last = error
            else:
                return
    assert last is not None
    raise last
