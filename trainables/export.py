"""A trained network for other runtimes: ONNX, and a program of ``torch.export``.

The number of images, their rows and their columns stay free. What was exported is run on sizes and
batches that the export has not seen, and refused if it differs from the network.

Shape letters: B images, C bands, K classes, H rows, W columns (h, w at the network's stride).
"""

import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from trainables.config import require
from trainables.config.inputs import INPUT_BANDS, UNITS, InputName
from trainables.config.pixels import Pixels
from trainables.networks.network import Output, resized
from trainables.networks.plain_network import logits_of
from trainables.networks.segmentation import Segmenter, SegmenterOutput

FORMATS = ("onnx", "torch")
"""What a network is exported to."""
TOLERANCE = 1e-4
"""The largest difference of a logit, as a share of the largest one where that is above 1."""
_EXAMPLE = (2, 96, 160)
_UNSEEN = ((1, 96, 160), (3, 77, 130), (1, 133, 67))
"""Numbers of images, rows and columns to check with."""
_OF_ONNX = ("onnx", "onnxruntime", "onnxscript")
_SMALLEST = 8

Run = Callable[[Tensor], Sequence[Tensor]]
"""Images (B,C,H,W) to the network's maps, each (B,..,H,W)."""
LOGITS = "logits"
"""The name of the segmentation's output; others have their task's."""


class Exportable(nn.Module):
    """A network in evaluation, as ``Segmenter`` computes it, with sizes that a tracer can follow.

    Images (B,C,H,W), in [0,1] or as ``Pixels`` says, to logits (B,K,H,W), or to a tuple of the maps
    of all tasks, as ``SegmenterOutput.tasks`` has them.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.network, self.multiple = segmenter.network, segmenter.multiple
        self.standardise, self.heads = segmenter.standardise, segmenter.heads
        self.tasks = segmenter.tasks

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.standardise is not None:
            images = self.standardise(images)
        rows, columns = images.shape[-2:]
        padded_BCHW = self._padded(images) if self.multiple > 1 else images
        maps = self._maps(self.network(padded_BCHW))
        whole = [resized(map_BChw, padded_BCHW) for map_BChw in maps]
        if self.multiple > 1:
            # By places: of a slice, a tracer would have to prove that it fits.
            row, column = (torch.arange(side, device=images.device) for side in (rows, columns))
            whole = [map_.index_select(2, row).index_select(3, column) for map_ in whole]
        return whole[0] if len(whole) == 1 else tuple(whole)

    def _maps(self, result: object) -> list[Tensor]:
        """In the order of ``outputs_of``, at the network's stride."""
        maps: list[object] = [logits_of(result)] if self.tasks.segments else []
        if self.tasks.further:
            assert isinstance(result, Output)
            own, features_BDhw = result.tasks, result.features_BDhw
            maps += [
                own[task] if task in own else self.heads[task](features_BDhw)
                for task in self.tasks.further
            ]
        return [map_ for map_ in maps if isinstance(map_, Tensor)]

    def _padded(self, images_BCHW: Tensor) -> Tensor:
        """The last row and column repeated, up to whole multiples: sizes that a tracer divides."""
        for side in (2, 3):
            size = images_BCHW.shape[side]
            whole = self.multiple * ((size + self.multiple - 1) // self.multiple)
            place = torch.arange(whole, device=images_BCHW.device).clamp(max=size - 1)
            images_BCHW = images_BCHW.index_select(side, place)
        return images_BCHW


def outputs_of(segmenter: Segmenter) -> dict[str, int]:
    """By name, the channels of an exported network's outputs, in their order."""
    found = {LOGITS: segmenter.num_classes} if segmenter.tasks.segments else {}
    return found | {str(task): count for task, count in segmenter.tasks.further.items()}


def described(pixels: Pixels) -> str:
    """What an exported network takes, in words."""
    image = pixels.of_image
    unit = "in [0, 1]" if image.bits < 32 else "as files hold them"
    maps = [f"{name} ({UNITS[name]})" for name in pixels.input_names]
    then = (
        f": {image.bands} {unit}, then {', '.join(maps)}, 0 where missing" if maps else f" {unit}"
    )
    return f"(batch, {pixels.bands}, height, width){then}"


def smallest_side(segmenter: Segmenter) -> int:
    """Pixels from which on an exported network takes images: maps of one pixel are special."""
    return segmenter.multiple + 1 if segmenter.multiple > 1 else _SMALLEST


def exported(segmenter: Segmenter, classes: Sequence[str], form: str) -> tuple[bytes, float]:
    """A network as the content of a file.

    Args:
        segmenter: on the CPU.
        classes: their names by label, which the file holds as well.
        form: one of ``FORMATS``.

    Returns:
        The file's content, and its largest difference from the network.

    Raises:
        ValueError: the network cannot be exported, or differs; or a package is missing.
    """
    require(form in FORMATS, "--format", " or ".join(FORMATS), form)
    alone = f"one of single images for --format {form}: a film's frames need its memory"
    require(not segmenter.follows, "model/network", alone, segmenter.name)
    make = _onnx if form == "onnx" else _torch
    network = Exportable(segmenter).eval()
    count, *size = _EXAMPLE
    given = torch.rand(count, segmenter.pixels.bands, *size, generator=_random())
    try:
        facts = {"classes": list(classes), **_bands(segmenter.pixels)}
        if segmenter.predicts is not None:
            facts["outputs"] = [*outputs_of(segmenter)]
        content, run = make(network, given, smallest_side(segmenter), facts)
        difference = _difference(segmenter, run)
    except ImportError:
        raise
    except Exception as error:  # a tracer's: of many types
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        allowed = f"a network that {form} can hold with free sizes ({reason})"
        raise ValueError(f"model/network must be {allowed}, got {segmenter.name}") from None
    if not difference <= TOLERANCE:
        what = "maps" if segmenter.tasks.further else LOGITS
        raise ValueError(
            f"model/network {segmenter.name}: exported to {form}, its {what} differ by "
            f"{difference:.1e} from the network's at other sizes, more than {TOLERANCE:g}; "
            f"no file is written"
        )
    return content, difference


def _bands(pixels: Pixels) -> dict[str, list[str]]:
    """What the bands of the input are, where they are not an image's alone."""
    if not pixels.inputs:
        return {}
    image = [f"image {band}" for band in range(1, pixels.of_image.bands + 1)]
    return {"bands": [*image, *(f"{name} in {UNITS[name]}" for name in _each_band(pixels))]}


def _each_band(pixels: Pixels) -> list[InputName]:
    return [name for name in pixels.input_names for _ in range(INPUT_BANDS[name])]


def _random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@torch.no_grad()
def _difference(segmenter: Segmenter, run: Run) -> float:
    """The largest, at sizes and batches that the export has not seen."""
    worst, random = 0.0, _random()
    for images, rows, columns in _UNSEEN:
        given = torch.rand(images, segmenter.pixels.bands, rows, columns, generator=random)
        output: SegmenterOutput = segmenter(given)
        maps = [output.logits_BKHW] if segmenter.tasks.segments else []
        maps += [output.tasks[task] for task in segmenter.tasks.further]
        for expected, found in zip(maps, run(given), strict=True):
            scale = max(1.0, expected.abs().max().item())
            same = found.shape == expected.shape
            apart = (found - expected).abs().max().item() / scale if same else float("inf")
            worst = max(worst, apart)
    return worst


def _sizes(smallest: int) -> dict[str, dict[int, torch.export.Dim]]:
    height, width = (torch.export.Dim(name, min=smallest) for name in ("height", "width"))
    return {"images": {0: torch.export.Dim("batch"), 2: height, 3: width}}


def _torch(
    network: nn.Module, given: Tensor, smallest: int, facts: Mapping[str, list[str]]
) -> tuple[bytes, Run]:
    program = torch.export.export(network, (given,), dynamic_shapes=_sizes(smallest))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # lines of code, with this machine's paths
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={"facts.json": json.dumps(facts)})
    file.seek(0)
    module = torch.export.load(file).module()
    return file.getvalue(), lambda x: _listed(module(x))


def _listed(result: Tensor | Sequence[Tensor]) -> Sequence[Tensor]:
    return [result] if isinstance(result, Tensor) else result


def _onnx(
    network: nn.Module, given: Tensor, smallest: int, facts: Mapping[str, list[str]]
) -> tuple[bytes, Run]:
    if missing := [name for name in _OF_ONNX if find_spec(name) is None]:
        allowed = "installed for --format onnx, by pip install 'edgewise[onnx]'; here lacks"
        raise ModuleNotFoundError(f"onnx must be {allowed} {', '.join(missing)}")
    import onnxruntime

    program = torch.onnx.export(
        network,
        (given,),
        dynamo=True,
        dynamic_shapes=_sizes(smallest),
        input_names=["images"],
        output_names=facts.get("outputs", [LOGITS]),
        verbose=False,
    )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # lines of code, with this machine's paths
    program.model.metadata_props["facts"] = json.dumps(facts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        program.save(path)
        content = path.read_bytes()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return content, lambda x: [*map(torch.from_numpy, session.run(None, {"images": x.numpy()}))]
