"""Backbone weights from a file, and the reading of such files."""

import os
import re
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from trainables.config import require
from trainables.config.pixels import RGB

RANDOM = "initial weights are random"
"""Where they came from, where no file and no hub has given them."""
_WRAPPERS = ("average", "state_dict", "model", "network", "model_state_dict")
_PREFIXES = ("module.", "backbone.", "encoder.", "model.", "body.")
"""What training code puts before a backbone's parameter names; removed until they fit."""

_HEAD_BYTES = 512
_SAFETENSORS = rb".{8}\{\s*\""
_PRINTABLE = bytes({*range(32, 127), 9, 10, 13})
_KNOWN = (
    (rb"$", "it is empty; download it again"),
    (
        rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml|!--)",
        "it is a web page; download the file that the page links to",
    ),
    (rb"version https://git-lfs", "it is a pointer of Git LFS; fetch the file with git lfs pull"),
    (_SAFETENSORS, "it is a safetensors file, incomplete or damaged; download it again"),
    (rb"\x89HDF", "it is an HDF5 file (Keras), not one of PyTorch"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc|Rar!|\x28\xb5\x2f\xfd", "it is compressed; unpack it first"),
)
"""By the first bytes: what people save under the name of a checkpoint."""
_NOT_TENSORS = re.compile(r"GLOBAL ([\w.]+) was not an allowed global")
"""Torch's message for a pickle that would import code."""


def load_backbone(encoder: nn.Module, path: Path) -> str:
    """Load the tensors that fit into a backbone, and say how many those were.

    The file is a state dict with timm's names (torchvision's ResNets have the same), or of a vision
    transformer with those of its publication, in any float type; it may be wrapped in a checkpoint,
    and the names may have a prefix.

    Raises:
        ValueError: the file is missing, is no state dict, or nothing in it fits.
    """
    state = read_state(path)
    own = encoder.state_dict()
    # A checkpoint may wrap a backbone several times ("module.model."): try each depth.
    candidates = [_without_prefix(state, count) for count in range(4)]
    candidates += [converted for names in candidates for converted in _as_timm(encoder, names)]
    state = max(candidates, key=lambda names: sum(_fits(own, *item) for item in names.items()))
    state = {
        name: adapted(value, own[name]) if name in own else value for name, value in state.items()
    }
    fitting = {
        name: value.to(own[name].dtype) for name, value in state.items() if _fits(own, name, value)
    }
    # The counters of batch norms fit any network, so they prove nothing.
    learned = [name for name in own if not name.endswith("num_batches_tracked")]
    if not any(name in fitting for name in learned):
        raise ValueError(f"model/weights: nothing in {path} fits {type(encoder).__name__}")
    encoder.load_state_dict(fitting, strict=False)
    missing = [name for name in learned if name not in fitting]
    left_over = [name for name in state if name not in fitting]
    return (
        f"{len(fitting)} tensors loaded from {path.name}, "
        f"{len(missing)} kept their initial values{first(missing)}, "
        f"{len(left_over)} in the file unused{first(left_over)}"
    )


def _as_timm(encoder: nn.Module, state: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """A publication's tensors under timm's names, if timm can convert those of this model's kind:
    position embeddings resized, registers renamed, one matrix for query, key and value."""
    convert = getattr(sys.modules[type(encoder).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return []
    try:
        return [{k: v for k, v in convert(dict(state), encoder).items() if isinstance(v, Tensor)}]
    except Exception:  # it expects certain tensors, and this file is another one
        return []


def adapted(weight: Tensor, like: Tensor) -> Tensor:
    """A first layer's weights (D,3,h,w) for another number of bands, as timm adapts them.

    Weights of any other shape are returned as they are.
    """
    differs = weight.shape != like.shape and weight.ndim == like.ndim == 4
    if not differs or weight.shape[1] != RGB.bands or weight[:, 0].shape != like[:, 0].shape:
        return weight
    from timm.models import adapt_input_conv  # slow: see network.py

    found: Tensor = adapt_input_conv(like.shape[1], weight)
    return found


def read_state(path: Path, field: str = "model/weights") -> dict[str, Tensor]:
    """The tensors of a weights file, by name; of a training that averages, the average's.

    Raises:
        ValueError: the file is missing or holds no state dict; the line names the config field.
    """
    allowed = "none, imagenet or a file" if field == "model/weights" else "a file"
    require(path.is_file(), field, allowed, str(path))
    if damaged := _damaged_record(path):
        raise _unusable(field, path, f"{damaged} differs from its checksum; download it again")
    try:
        content = _content(path)
    except Exception as error:  # they raise many types for a file that is no checkpoint
        raise _unusable(field, path, _description(path, error)) from None
    for name in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    tensors = content.items() if isinstance(content, dict) else ()
    state = {name: value for name, value in tensors if isinstance(value, Tensor)}
    if not state:
        raise _unusable(field, path, "it holds no named tensors")
    return state


def _content(path: Path) -> object:
    """What a file of torch or of safetensors holds."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if re.match(_SAFETENSORS, head, re.DOTALL):
        from safetensors.torch import load_file

        return load_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of what it then refuses
        return torch.load(path, map_location="cpu", weights_only=True)


def _unusable(field: str, path: Path, reason: str) -> ValueError:
    return ValueError(f"{field}: {path} is not a weights file: {reason}")


def _description(path: Path, error: Exception) -> str:
    """What a file is that torch cannot load, and what to do, in one line."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as unread:
        return f"it cannot be read: {unread.strerror}"
    for known, words in _KNOWN:
        if re.match(known, head, re.DOTALL | re.IGNORECASE):
            return words
    if found := _NOT_TENSORS.search(str(error)):
        return (
            f"it is a pickled object with {found[1]}, whose code is not run; save "
            f"model.state_dict() instead"
        )
    if head.startswith(b"PK"):
        return _zip_description(path)
    if not head.strip(_PRINTABLE):
        return "it is a text file"
    if head.startswith(b"\x80"):
        return "it is a pickle that torch.save did not write; save model.state_dict()"
    return f"it is no file of torch.save ({type(error).__name__})"


def _damaged_record(path: Path) -> str:
    """The first record of a checkpoint that is damaged; torch itself checks none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() or ""
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return ""  # an older format, or torch says what it is


def _zip_description(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return "it is an incomplete or damaged archive; download it again"
    ends = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in ends:
        return "it is a TorchScript archive; save its state_dict() with torch.save"
    if "data.pkl" not in ends:
        return f"it is a zip archive without a checkpoint{first(names)}; unpack it first"
    return "it is a damaged checkpoint; download it again"


def _fits(own: dict[str, Tensor], name: str, value: Tensor) -> bool:
    return name in own and own[name].shape == value.shape


def _without_prefix(state: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    """The state with up to ``count`` prefixes removed from each name."""
    for _ in range(count):
        state = {stripped(name): value for name, value in state.items()}
    return state


def stripped(name: str) -> str:
    """The name without one prefix of training code."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def first(names: list[str]) -> str:
    """`` (a, ..)``: an example of several names; "" for none."""
    return f" ({names[0]}{', ..' if len(names) > 1 else ''})" if names else ""


def unreachable(encoder: str, error: Exception) -> ValueError:
    """The error that a user reads when pretrained weights cannot be fetched from the hub."""
    offline = " (offline mode is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    return ValueError(
        f"model/weights: imagenet weights of {encoder} cannot be fetched{offline}: "
        f"{type(error).__name__}; give a file with --weights PATH or --weights none"
    )
