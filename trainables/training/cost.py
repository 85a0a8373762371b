"""What a network costs in use: parameters, operations, time and memory of one image.

The image is predicted as the test predicts it: at every scale, mirrored, in windows (``eval/*``).
Only what evaluation runs counts: boundary heads, auxiliary heads and those of initial predictions
serve training alone, the edge task's and all other tasks' heads do not. The
weights do not matter, so that no checkpoint is needed. Of a film, a frame is predicted and its mask
remembered, with one earlier frame in memory.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from trainables.config import TrialConfig, Value, from_flat
from trainables.config.evaluation import EvaluationProtocol
from trainables.config.pixels import RGB, Pixels
from trainables.metrics.inference import resize, scaled, scores
from trainables.networks.segmentation import Segmenter
from trainables.plugin import Plugin, install
from trainables.training import process_settings
from trainables.training.optimization import AUTOCAST

_RUNS, _ENOUGH_S = 5, 2.0
"""Timed predictions: this many, or fewer once they took this long."""
_MEGABYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class NetworkCost:
    """The cost of one image, by the protocol of the test list."""

    parameters: int
    gflops: float
    """10^9 floating-point operations; a multiplication and an addition are two."""
    milliseconds: float
    """Median time of the image's prediction, alone in its batch: all forward passes, and what
    resizes and averages them."""
    peak_megabytes: float | None
    """The most that PyTorch allocated on the GPU, in MiB; None on a CPU, where it is not known."""
    size: tuple[int, int]
    """Rows and columns of the image."""
    device: str
    """The GPU's name, or ``cpu``."""
    evaluated: str
    """The protocol in words."""


def network_cost(
    config: Mapping[str, Value],
    num_classes: int,
    size: tuple[int, int],
    device: str,
    plugin: Plugin | None = None,
    pixels: Pixels = RGB,
    num_parts: int = 0,
) -> NetworkCost:
    """Measure a config's network on one random image.

    Args:
        config: a trial's, flat; read after the plug-in is installed, which may add to it.
        num_classes: K.
        size: rows and columns of the image.
        device: such as ``cuda``.
        plugin: the user's own file that the trial runs with.
        pixels: what its images are, and which maps it may receive.
        num_parts: P, of the task ``parts``.
    """
    if plugin is not None:
        install(plugin)
    typed, place = from_flat({**config, "model/weights": "none"}), torch.device(device)
    process_settings.use(typed.optim, place, training=False)
    seen = pixels.seen(typed.data.input_names)
    network = _built(typed, num_classes, place, seen, num_parts)
    image_1CHW = torch.rand(1, seen.bands, *size, device=place)
    if typed.optim.channels_last:
        image_1CHW = image_1CHW.contiguous(memory_format=torch.channels_last)
    lower, how = AUTOCAST[typed.optim.precision], typed.eval.of("test")

    def predict() -> None:
        if network.follows:
            _follow(network, image_1CHW, how)
        else:
            given = lambda x: network(x).logits_BKHW, image_1CHW, how
            scores(*given, inputs=seen.input_names)

    with torch.no_grad(), torch.autocast(place.type, lower, enabled=lower is not None):
        gflops = _gflops(predict)
        milliseconds, peak_megabytes = _timed(predict, place)
    return NetworkCost(
        parameters=evaluated_parameters(network),
        gflops=gflops,
        milliseconds=milliseconds,
        peak_megabytes=peak_megabytes,
        size=size,
        device=torch.cuda.get_device_name(place) if place.type == "cuda" else place.type,
        evaluated=str(how),
    )


def _follow(network: Segmenter, frame_1CHW: Tensor, how: EvaluationProtocol) -> None:
    """Remember one frame and predict the next, in each view of the evaluation."""
    size = frame_1CHW.shape[-2], frame_1CHW.shape[-1]
    for scale in how.scales:
        view_1CHW = resize(frame_1CHW, scaled(size, scale))
        for _ in range(1 + how.flip):
            known_1HW = view_1CHW.new_zeros(1, *view_1CHW.shape[-2:])
            network(view_1CHW.expand(2, -1, -1, -1), False, known_1HW)


def _built(
    config: TrialConfig, num_classes: int, device: torch.device, pixels: Pixels, num_parts: int
) -> Segmenter:
    tasks = config.task.of_network(num_classes, num_parts)
    network = Segmenter(config.model, num_classes, False, pixels, tasks).eval()
    layout = torch.channels_last if config.optim.channels_last else torch.preserve_format
    return network.to(device).to(memory_format=layout)


def evaluated_parameters(network: Segmenter) -> int:
    """How many numbers are learned that evaluation uses."""
    auxiliary = network.network.auxiliary
    unused = () if auxiliary is None else auxiliary.parameters()
    head = network.boundary_head if network.reads_boundary else None
    read = () if head is None else head.parameters()
    heads = _count(network.heads.parameters())
    return _count(network.network.parameters()) - _count(unused) + _count(read) + heads


def _count(parameters: Iterable[Tensor]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _gflops(predict: Callable[[], None]) -> float:
    with FlopCounterMode(display=False) as counter:
        predict()
    return float(counter.get_total_flops()) / 1e9


def _timed(predict: Callable[[], None], device: torch.device) -> tuple[float, float | None]:
    """Milliseconds of a prediction and, on a GPU, the most MiB that were allocated meanwhile.

    The prediction that counted the operations has warmed everything up.
    """
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    seconds: list[float] = []
    while len(seconds) < _RUNS and sum(seconds) < _ENOUGH_S:
        begin = perf_counter()
        predict()
        if on_gpu:
            torch.cuda.synchronize(device)
        seconds.append(perf_counter() - begin)
    peak = torch.cuda.max_memory_allocated(device) / _MEGABYTE if on_gpu else None
    return 1000 * median(seconds), peak
