"""A quick digest of a study's input files, taken on the machines where its workers run."""

from pathlib import Path

from trainables.config import DataConfig
from trainables.data import open_layout
from trainables.data.dataset import Digest
from trainables.data.samples import add_to_digest, require_all


def fingerprint(data: DataConfig | None, weights: str) -> str:
    """Sixteen hex digits of every sample's name, of the content of each split's first and last
    sample, and of the weights' file. None and "" leave a part out.

    Raises:
        DataError, OSError: a file is missing or cannot be used.
    """
    digest = Digest()
    if data is not None:
        for split, samples in open_layout(data).splits.items():
            require_all(samples)
            digest.add(split, "\n".join(sample.name for sample in samples).encode())
            for sample in (samples[0], samples[-1]):
                add_to_digest(digest, sample.read())
    if weights:
        digest.add(Path(weights).name, Path(weights).read_bytes())
    return digest.hex()
