"""How many bytes torch's operations move, counted without a device and without values.

    python -m tests.benchmarks.bytes_moved [--size 8,19,512,1024]

Every operation on a GPU reads its inputs from memory and writes its outputs there, unless they fit
in its cache. On tensors of the device "meta" a loss takes the path of a GPU and computes nothing,
so its operations can be counted at any size. Expected milliseconds are those at 3.35 TB/s, an
H100's memory: an expectation, never a measurement.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tests.benchmarks.terms import floor_bytes, works

H100_BYTES_A_MS = 3.35e9
_NO_WRITES = ("empty", "empty_like", "new_empty", "empty_strided")
_GATHERS = ("gather", "index_select", "index")
_SORT_PASSES = 8
"""A radix sort reads and writes keys and indices for each byte of a 32-bit key."""


class BytesMoved(TorchDispatchMode):
    """Adds up the bytes that every operation reads and writes; views are free."""

    def __init__(self) -> None:
        super().__init__()
        self.total = self.operations = 0

    def __torch_dispatch__(
        self,
        operation: torch._ops.OpOverload,
        types: tuple[type, ...],
        inputs: tuple[object, ...] = (),
        options: Mapping[str, object] | None = None,
    ) -> object:
        named = dict(options or {})
        answer = operation(*inputs, **named)
        name = operation._schema.name.removeprefix("aten::").rstrip("_")
        if not operation.is_view and name not in _NO_WRITES:
            self.operations += 1
            written = sum(map(_bytes, _tensors(answer)))
            read = [_bytes(tensor) for tensor in _tensors([inputs, named])]
            if name in _GATHERS:  # of a source, only what is selected
                read[0] = written
            elif name == "scatter":
                read, written = read[1:], sum(read[1:])
            elif name == "sort":
                written *= _SORT_PASSES
            self.total += sum(read) + written
        return answer


def _tensors(found: object) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, Mapping):
        yield from _tensors(list(found.values()))
    elif isinstance(found, list | tuple):
        for one in found:
            yield from _tensors(one)


def _bytes(tensor: Tensor) -> int:
    """An expanded tensor is read as often as its storage is long."""
    return min(tensor.nbytes, tensor.untyped_storage().nbytes())


@contextmanager
def autocast_of_meta() -> Iterator[None]:
    """Let ``torch.autocast("meta", enabled=False)`` pass, which torch refuses."""
    real = torch.autocast

    def autocast(device: str, *, enabled: bool = True) -> AbstractContextManager[object]:
        return nullcontext() if device == "meta" else real(device, enabled=enabled)

    with patch.object(torch, "autocast", autocast):
        yield


def moved(size: tuple[int, int, int, int], dtype: torch.dtype) -> dict[str, tuple[int, int]]:
    """By loss, the bytes that its operations move and their number, forward and backward."""
    found = {}
    labels_BHW = torch.zeros(size[0], *size[2:], dtype=torch.int64, device="meta")
    with autocast_of_meta():
        for name, work in works(size, dtype, labels_BHW).items():
            with BytesMoved() as counted:
                work()
            found[name] = counted.total, counted.operations
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", default="8,19,512,1024", help="images,classes,rows,columns")
    images, classes, rows, columns = map(int, parser.parse_args().size.split(","))
    size = images, classes, rows, columns
    for dtype in (torch.float32, torch.bfloat16):
        print(
            f"\n{dtype}, {size}\n\n| loss | operations | GB | floor, GB | floors | ms, expected |"
        )
        print("|---|---|---|---|---|---|")
        for name, (total, operations) in moved(size, dtype).items():
            floor = floor_bytes(name, size, dtype)
            print(
                f"| {name} | {operations} | {total / 1e9:.2f} | {floor / 1e9:.2f} "
                f"| {total / floor:.1f} | {total / H100_BYTES_A_MS:.2f} |"
            )


if __name__ == "__main__":
    main()
