"""Batch norms over the ranks of a group, against one batch norm over all their images.

NCCL allows one rank per GPU: on one GPU the group has one rank, and says only that it starts.
"""

import time
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from tests.gpu.table import Line, Lines, judged, not_measured, timed
from trainables.networks.batch_norm import Global, GlobalBatchNorm2d, NcclBatchNorm, adopt

CHECK = "batch norm over ranks"
_WITHIN = 1e-5
_SHAPE = 5, 16, 24, 32
"""Images, which two ranks share unequally, channels, rows and columns."""
_ROUNDS = 20


def lines(device: torch.device) -> Lines:
    gpus = torch.cuda.device_count() if device.type == "cuda" else 0
    ranks = min(max(gpus, 1), 2)
    kinds = (NcclBatchNorm, GlobalBatchNorm2d) if gpus else (GlobalBatchNorm2d,)
    with TemporaryDirectory() as folder:
        if ranks == 1:
            _rank(0, 1, folder, device.type)
        else:
            spawn(_rank, (ranks, folder, device.type), nprocs=ranks)
        found: dict[str, tuple[float, float]] = torch.load(Path(folder, "0.pt"))
    for kind in kinds:
        yield _line(kind, ranks, found[kind.__name__][0])
    if ranks == 1:
        yield not_measured(CHECK, "torch's layer on two ranks", "needs two GPUs")
        return
    theirs, ours = (found[kind.__name__][1] for kind in kinds)
    text = f"{1000 * theirs:.2f} against {1000 * ours:.2f} ms"
    yield timed(CHECK, "torch's layer against ours", "faster", text, theirs <= ours, device)


def _line(kind: type[Global], ranks: int, apart: float) -> Line:
    what = f"{kind.__name__} on {ranks} rank{'s' * (ranks > 1)}"
    bound = f"relative difference {_WITHIN:g} from one batch norm"
    return judged(CHECK, what, bound, f"{apart:.1e} at most", apart <= _WITHIN)


def _rank(rank: int, ranks: int, folder: str, kind: str) -> None:
    """One rank: writes the difference and the seconds of each layer, largest of all ranks."""
    device = torch.device(kind, rank) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(device)
    store = dist.FileStore(f"{folder}/store", ranks)
    backend = "nccl" if kind == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=ranks)
    try:
        layers = (NcclBatchNorm, GlobalBatchNorm2d) if kind == "cuda" else (GlobalBatchNorm2d,)
        found = {}
        for layer in layers:
            both = torch.tensor([_apart(layer, rank, ranks, device), _seconds(layer, device)])
            most = both.to(device, torch.float32)
            dist.all_reduce(most, dist.ReduceOp.MAX)
            found[layer.__name__] = tuple(most.tolist())
        torch.save(found, f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


def _plain(device: torch.device) -> nn.BatchNorm2d:
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(_SHAPE[1]).to(device)
    nn.init.uniform_(layer.weight, 0.5, 2)
    nn.init.normal_(layer.bias)
    return layer


def _apart(kind: type[Global], rank: int, ranks: int, device: torch.device) -> float:
    """The largest relative difference of values, gradients and statistics from one layer's."""
    plain = _plain(device)
    shared = adopt(deepcopy(plain), kind).to(device)
    generator = torch.Generator().manual_seed(1)
    whole, slope = (torch.randn(_SHAPE, generator=generator).to(device) for _ in range(2))
    wanted = _step(plain, whole, slope)
    found = _step(shared, whole[rank::ranks].clone(), slope[rank::ranks])
    for gradient in found[2:4]:
        dist.all_reduce(gradient)  # of the layer's own parameters, as DistributedDataParallel does
    wanted = [each[rank::ranks] for each in wanted[:2]] + wanted[2:]
    return max(
        float((one - other).abs().max() / other.abs().max().clamp(min=1e-3))
        for one, other in zip(found, wanted, strict=True)
    )


def _step(layer: nn.Module, x_BDHW: Tensor, slope_BDHW: Tensor) -> list[Tensor]:
    """Values, the gradients of input, weight and bias, and both running statistics."""
    x_BDHW.requires_grad_()
    y_BDHW = layer(x_BDHW)
    inputs = (x_BDHW, *layer.parameters())
    gradients = torch.autograd.grad((y_BDHW.square() * slope_BDHW).sum(), inputs)
    return [y_BDHW.detach(), *gradients, layer.running_mean, layer.running_var]


def _seconds(kind: type[Global], device: torch.device) -> float:
    """Of a step of the layer alone, on maps as they are in a network."""
    rounds = _ROUNDS if device.type == "cuda" else 1
    shape = (8, 256, 90, 120) if device.type == "cuda" else _SHAPE
    layer = adopt(nn.BatchNorm2d(shape[1]), kind).to(device)
    x_BDHW = torch.randn(shape, device=device, requires_grad=True)
    layer(x_BDHW).sum().backward()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    for _ in range(rounds):
        layer(x_BDHW).sum().backward()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - start) / rounds
