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
    """Reads what a layer returns while its module runs."""

    def __init__(self, network: str, module: nn.Module, layer: str) -> None:
        """Args: the network's name, for messages; the module; the path of a layer in it.

        Raises:
            ValueError: the module has no such layer; the line gives similar ones.
        """
        self._network, self._layer = network, layer
        layers = dict(module.named_modules())
        if layer not in layers:
            near = ", ".join(difflib.get_close_matches(layer, layers, cutoff=0.3) or [*layers][1:4])
            raise refused("model/features", f"a layer of {network}, such as {near}", layer)

    def read(self, module: nn.Module, images_B3HW: Tensor) -> tuple[object, Tensor]:
        """What the module returns, and the features (B,D,h,w): the layer's output in this call.

        Raises:
            ValueError: the layer did not run, or returned something else.
        """
        result, found = self._run(module, images_B3HW)
        return result, self._features(found)

    def _run(self, module: nn.Module, images_B3HW: Tensor) -> tuple[object, object]:
        """What the module and the layer return; None of a layer that does not run."""
        found: list[object] = []
        # For this call only: a copy of the module, and a layer that was exchanged, are read, too.
        hook = module.get_submodule(self._layer).register_forward_hook(
            lambda layer, inputs, output: found.append(output)
        )
        try:
            result = module(images_B3HW)
        finally:
            hook.remove()
        return result, found[-1] if found else None

    def _features(self, found: object) -> Tensor:
        if isinstance(found, Tensor) and found.is_floating_point() and found.ndim == 4:
            return found
        allowed = f"a layer of {self._network} whose output is float (B,D,h,w)"
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise refused("model/features", f"{allowed}, which {self._layer} is not", shape)

    def channels(self, module: nn.Module, bands: int) -> int:
        """D, found by one call of the module in evaluation mode, on images of so many bands.

        Raises:
            ValueError: it takes no image of a usual size, or as ``read``.
        """
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            return self._first_features(module, bands).shape[1]
        finally:
            for part, training in modes.items():
                part.training = training

    def _first_features(self, module: nn.Module, bands: int) -> Tensor:
        """Of a black image: sizes grow until the module takes one."""
        like = next(module.parameters(), torch.empty(0))
        last: Exception | None = None
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            for side in _SIDES:
                black = torch.zeros(1, bands, side, side, device=like.device)
                try:
                    _, found = self._run(module, black)
                except Exception as error:  # the user's code may raise anything
                    last = error
                else:
                    return self._features(found)
        assert last is not None
        raise last
