"""How a plan trains on GPUs, in words."""

from collections.abc import Iterator, Mapping

from trainables.config import Value

_WORDS = {
    "optim/channels_last": "channels-last",
    "optim/fused": "fused optimiser",
    "optim/cudnn_benchmark": "cudnn.benchmark in training",
    "optim/compile": "compiled",
    "optim/deterministic": "deterministic",
}


def in_words(base: Mapping[str, Value]) -> str:
    """``bf16, channels-last, fused optimiser, no TF32`` of a flat config, also of an old ledger."""
    return ", ".join(_parts(base))


def _parts(base: Mapping[str, Value]) -> Iterator[str]:
    yield str(base.get("optim/precision", "fp32"))
    yield from (word for path, word in _WORDS.items() if base.get(path))
    tf32 = base.get("optim/tf32", "convolutions")
    yield "no TF32" if tf32 == "none" else f"TF32 for {tf32}"
