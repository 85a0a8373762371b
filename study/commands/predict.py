"""`study/predict.py NAME[/NUMBER] FOLDER --out DIR`: maps of images with a study's network.

Without a number, the network that the study saved as its best. With one, that trial's, if the study
still has it. The maps are PNGs at the images' own size, in the values of the study's dataset, and
volumes (NIfTI) where the images are slices. Each further task of the network has a folder of maps
in DIR, such as ``depth``; a network that does not segment writes no label maps.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.one_line_parser import OneLineParser
from cluster.safe_text import printable
from study.commands import predict_films, process
from study.commands.all_or_none import all_or_none
from study.commands.predicted_images import read, with_maps
from study.commands.screen import outlived
from study.commands.trained_network import TrainedNetwork, find, load
from study.ledger.typed_command import name_of
from trainables.config import require
from trainables.config.words import counted

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from trainables.data.unlabelled import Picture
    from trainables.training.prediction import Predicted

_OVERLAYS = "overlays"


@dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """The command's options by their names."""

    network: str
    """``NAME`` or ``NAME/NUMBER``."""
    folder: Path | None = None
    """Of images; None for a list."""
    list_name: str = ""
    """``--list``."""
    out: Path
    first_masks: Path | None = None
    """Folder of the objects' masks in the first frames of films."""
    overlay: bool = False
    overwrite: bool = False
    data: str = ""
    """The dataset's folder, if it has moved."""
    inputs: Path | None = None
    """Of the maps that the network receives beside images; None: a list's are in the dataset."""
    device: str = ""
    """"" for the kind that the study ran on."""
    storage: Path | None = None
    trust: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the label maps. The exit code is 0, 2 after a user's error, 130 on Ctrl-C."""
    with outlived():
        process.prepare()
        return _main(arguments)


def _main(arguments: Sequence[str] | None) -> int:
    try:
        predict(_parse(arguments))
    except ValueError as error:
        print(f"{name_of('study/predict.py')}: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{name_of('study/predict.py')}: interrupted; nothing is written", file=sys.stderr)
        return 130
    return 0


def _parse(arguments: Sequence[str] | None) -> PredictRequest:
    parser = OneLineParser(
        prog=name_of("study/predict.py"),
        description="Write label maps of images with a study's network.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("network", metavar="NAME[/NUMBER]", help="a study, for its best network, or a trial of it")
    add("folder", metavar="FOLDER", nargs="?", type=Path, help="folder of images")
    add(
        "--list",
        dest="list_name",
        default="",
        metavar="train|val|test|trainval|FILE",
        help="instead of FOLDER, a list of the study's dataset; test is the official one",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the label maps")
    add(
        predict_films.OPTION,
        type=Path,
        metavar="DIR",
        help="of a network that follows an object: SEQUENCE.png or SEQUENCE/FRAME.png of the first "
        "frame of each folder SEQUENCE; default: the labels of --list",
    )
    add("--overlay", action="store_true", help=f"draw the classes over the images, {_OVERLAYS}/")
    add("--overwrite", action="store_true", help="replace label maps that exist")
    add("--data", default="", metavar="DIR", help="the dataset's folder, if it has moved")
    add(
        "--inputs",
        type=Path,
        metavar="DIR",
        help="folder of the maps that a network of data/inputs receives: depth/NAME.png (16-bit "
        "millimetres) or .npy (metres), normals/NAME.png or .npy",
    )
    add("--device", default="", help="cpu or cuda; default: what the study ran on")
    add("--storage", type=Path, help="folder of studies; default: ./runs")
    add("--trust", action="store_true", help="execute the plug-in in the study's ledger")
    return PredictRequest(**vars(parser.parse_args(arguments)))


def predict(request: PredictRequest) -> list[Path]:
    """Write all label maps or none, print what they are, and return their paths.

    Raises:
        ValueError: one line about an error that the user can fix.
    """
    study, record, trial = find(request.network, request.storage)
    _refuse_mistakes(request)
    # These take seconds to import.
    from study.planning.plugin import install_from_plan
    from trainables.data import task_files
    from trainables.data.label_files import label_files
    from trainables.training.prediction import device_of

    device = device_of(request.device, cuda=record.plan.gpus_per_worker > 0)
    install_from_plan(record.plan, "NAME", request.trust)
    trained = load(study, record, trial, request.trust)
    predict_films.require_given(trained, bool(request.list_name), request.first_masks)
    pictures = _pictures(request, trained)
    if not trained.network.follows:
        pictures = with_maps(pictures, request.inputs, trained.network)
    written = label_files(trained.config.data, record.data.classes)
    volumes = {picture.volume: _volume(picture) for picture in pictures if picture.volume}
    segments, tasks = trained.network.tasks.segments, trained.network.tasks.further
    drawn = segments or not request.overlay
    require(drawn, "--overlay", "left out: the network does not segment", request.overlay)
    files = [*map(_file, pictures), *volumes.values()] if segments else []
    files += [f"{task}/{_file(picture)}" for task in tasks for picture in pictures]
    overlays = [f"{_OVERLAYS}/{_file(picture)}" for picture in pictures if request.overlay]
    slices: dict[Path, list[NDArray[np.uint8]]] = {volume: [] for volume in volumes}
    with all_or_none(request.out, [*files, *overlays], request.overwrite) as draft:
        found = _predicted(trained, pictures, request.first_masks, device)
        for picture, (image_HWC, labels_HW, maps) in zip(pictures, found, strict=True):
            for task, map_CHW in maps.items():
                _write(draft / task / _file(picture), task_files.png(task, map_CHW))
            if not segments:
                continue
            _write(draft / _file(picture), written.png(labels_HW))
            if picture.volume:
                slices[picture.volume].append(labels_HW)
            if request.overlay:
                _write(draft / _OVERLAYS / _file(picture), written.overlay(image_HWC, labels_HW))
        for volume, labels in slices.items() if segments else ():
            _write(draft / volumes[volume], written.volume(labels, volume))
    what = [f"values are {written.what}"] if segments else []
    what += [f"{task}/ has {task_files.VALUES[task]}" for task in tasks]
    count = _counted(len(pictures), len(volumes), segments, len(tasks))
    print(f"{trained.what}: {count} in {request.out}; {'; '.join(what)}")
    return [request.out / file for file in files]


def _predicted(
    trained: TrainedNetwork, pictures: "list[Picture]", masks: Path | None, device: "torch.device"
) -> "Iterator[Predicted]":
    """Yield what is predicted of each image."""
    from trainables.lane.refiner import saved_refiner_of
    from trainables.training.prediction import Predictor

    if trained.network.follows:
        return predict_films.predicted(trained, pictures, masks, device)
    refine = saved_refiner_of(trained.config, trained.files, device)
    predictor = Predictor(trained.network, trained.config, device, refine)
    return predictor.predictions(read(picture, trained.network) for picture in pictures)


def _counted(pictures: int, volumes: int, segments: bool, tasks: int) -> str:
    """What was written, in words."""
    found = [counted(pictures, "label map")] if segments else []
    found += [counted(volumes, "volume")] if volumes and segments else []
    found += [counted(tasks * pictures, "map")] if tasks else []
    return " and ".join(found)


def _refuse_mistakes(request: PredictRequest) -> None:
    """Raise the ValueError of a mistake that shows without the libraries."""
    if (request.folder is None) == (not request.list_name):
        raise ValueError("FOLDER or --list must be given, and not both")
    if request.folder is not None and not request.folder.is_dir():
        raise ValueError(f"FOLDER must be an existing folder, got {str(request.folder)!r}")
    if request.out.exists() and not request.out.is_dir():
        raise ValueError(f"--out must be a folder, got the file {str(request.out)!r}")
    require(request.device in ("", "cpu", "cuda"), "--device", "cpu or cuda", request.device)


def _pictures(request: PredictRequest, trained: TrainedNetwork) -> "list[Picture]":
    from trainables.data import unlabelled

    config = trained.config
    if request.folder is not None:
        pictures = unlabelled.of_folder(request.folder, config.data.dataset == "wmh")
    else:
        root = Path(request.data or config.data.root).expanduser()
        data = replace(config.data, root=str(root.resolve()) if config.data.root else "")
        pictures = unlabelled.of_list(data, request.list_name)
    name, count = Counter(picture.name for picture in pictures).most_common(1)[0]
    if count > 1:
        raise ValueError(f"images must differ in their names without suffix, got {count} {name!r}")
    if not trained.network.follows:
        return pictures
    return [frame for film in predict_films.films_of(pictures) for frame in film.frames]


def _file(picture: "Picture") -> str:
    return f"{picture.name}.png"


def _volume(picture: "Picture") -> str:
    """Beside its slices, by the name that the challenge's scorer looks for."""
    return f"{Path(picture.name).parent}/result.nii.gz"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
