"""A quick digest of a study's input files, taken on the machines where its workers run."""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import open_layout
from trainables.data.digest import Digest
from trainables.data.identity import digest_of
from trainables.data.samples import require_all


def fingerprint(data: DataConfig | None, *weights: str) -> str:
    """A digest of the classes, of every sample's name, of the pixels and labels of each split's
    first and last sample, and of the files of weights. None leaves the data out.

    Raises:
        DataError, OSError: a file is missing or cannot be used.
    """
    digest = Digest()
    if data is not None:
        layout = open_layout(data)
        digest = digest_of(layout, data)
        for split, samples in layout.splits.items():
            require_all(samples)
            digest.note(split, "\n".join(sample.name for sample in samples).encode())
            for sample in (samples[0], samples[-1]):
                decoded = sample.read()
                digest.add(decoded.image_HWC)
                digest.add(decoded.labels_HW)
                for map_ in decoded.targets.values():
                    digest.add(map_)
    for file in weights:
        digest.note(Path(file).name, Path(file).read_bytes())
    return digest.text()
