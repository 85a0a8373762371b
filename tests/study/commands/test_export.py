"""`study/export.py`: a network for other runtimes, checked at sizes it has not seen."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import study
from study.commands.export import main
from tests.study import fake
from tests.study.commands.test_predict import finished_study
from trainables import export, saved
from trainables.config import ModelConfig
from trainables.config.tasks import TaskConfig
from trainables.networks.segmentation import Segmenter


@pytest.fixture(autouse=True)
def _no_miou(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake trial has no parameters to compute one from."""
    monkeypatch.setattr(fake, "miou", lambda params, epoch: 0.5)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, "miou", lambda params, epoch: 0.5)
        finished_study(folder, data__height=16, data__width=16, data__train_images=4)
    return folder


def other_sizes() -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    return [torch.rand(*shape, generator=random) for shape in ((1, 3, 16, 16), (5, 3, 21, 50))]


@pytest.mark.slow
def test_onnx_takes_any_size_and_number_of_images(
    storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = storage / "fake" / "model" / "network.onnx"
    assert main(["fake", "--storage", str(storage)]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(f"the network in {path.parent}: {path}; images float (batch, 3, h")
    assert output.out.count("\n") == 1
    assert not output.err
    network, _, classes = saved.load(path.parent)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for images in other_sizes():
        with torch.no_grad():
            expected = network(images).logits_BKHW.numpy()
        (found,) = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(found, expected, atol=1e-4)
    model = onnx.load(path)
    assert json.loads(model.metadata_props[0].value) == {"classes": classes}
    sizes = model.graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in sizes] == ["batch", 3, "height", "width"]
    assert str(Path(torch.__file__).parent).encode() not in path.read_bytes()
    assert main(["fake", "--storage", str(storage)]) == 2
    assert "--out must have none of the files to write" in capsys.readouterr().err


def test_a_program_of_torch_takes_any_size_and_number_of_images(
    storage: Path, tmp_path: Path
) -> None:
    path = study.export("fake", "torch", out=tmp_path / "mine.pt2", storage=storage)
    network, _, _ = saved.load(storage / "fake" / "model")
    program = torch.export.load(path).module()
    for images in other_sizes():
        with torch.no_grad():
            torch.testing.assert_close(program(images), network(images).logits_BKHW)
    assert path == tmp_path / "mine.pt2"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fake", "--format", "tflite"], "--format must be onnx or torch, got 'tflite'"),
        (["fake/3"], "NAME/NUMBER must name one of the 1 trial of fake, got 'fake/3'"),
        (["other"], "NAME must name a study in"),
    ],
)
def test_mistakes_are_one_line(
    storage: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main([*arguments, "--storage", str(storage)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_package_that_is_missing_is_named(
    storage: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "onnx" else "here")
    out = storage / "missing.onnx"
    assert main(["fake", "--storage", str(storage), "--out", str(out)]) == 1
    assert capsys.readouterr().err == (
        "study/export.py: onnx must be installed for --format onnx, by pip install "
        "'edgewise[onnx]'; here lacks onnx\n"
    )
    assert not out.exists()


def test_what_differs_at_other_sizes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = Segmenter(ModelConfig(network="tiny", width=4), 2, boundary_head=False).eval()
    monkeypatch.setattr(
        export, "_torch", lambda *given: (b"", lambda images: [torch.zeros(len(images), 2, 9, 9)])
    )
    with pytest.raises(ValueError, match="its logits differ by inf from the network's at other"):
        export.exported(segmenter, ["a", "b"], "torch")
    monkeypatch.undo()
    segmenter.network = _Branching()  # type: ignore[assignment]
    with pytest.raises(ValueError, match="model/network must be a network that torch can hold"):
        export.exported(segmenter, ["a", "b"], "torch")


def test_a_network_that_follows_an_object_is_refused() -> None:
    config = ModelConfig(network="stm_small", encoder="mobilenetv3_small_050")
    segmenter = Segmenter(config, 2, boundary_head=False)
    for form in export.FORMATS:
        words = f"model/network must be one of single images for --format {form}.*got 'stm_small'"
        with pytest.raises(ValueError, match=words):
            export.exported(segmenter, ["a", "b"], form)


class _Branching(nn.Module):
    """Its path depends on the images' content, which no graph can hold."""

    def forward(self, images: Tensor) -> Tensor:
        shade = images[:, :2]
        return shade if images.mean().item() > 0.5 else -shade


def test_every_task_is_an_output() -> None:
    """The heads of other tasks too; of a network that does not segment, no class logits."""
    for tasks, outputs in (("semseg,edge,normals", ["logits", "edge", "normals"]), ("depth", None)):
        predicted = TaskConfig(tasks=tasks).of_network(2)
        config = ModelConfig(network="tiny", width=4)
        segmenter = Segmenter(config, 2, boundary_head=False, tasks=predicted).eval()
        images = torch.rand(2, 3, 16, 24)
        found, expected = export.Exportable(segmenter)(images), segmenter(images)
        assert [*export.outputs_of(segmenter)] == (outputs or ["depth"])
        if outputs is None:
            assert torch.equal(found, expected.tasks["depth"])
        else:
            assert torch.equal(found[0], expected.logits_BKHW)
            assert torch.equal(found[1], expected.tasks["edge"])
            assert torch.equal(found[2], expected.tasks["normals"])
