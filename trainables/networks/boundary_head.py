"""The auxiliary boundary head of InverseForm's Figure 4.

Only training uses it, so inference costs as much as without it, unless its map is an input of the
classifier (``model/boundary_input``).
Shape letters: B images, D features, H rows, W columns (h, w at the features' own stride).
"""

from torch import Tensor, nn

from trainables.config import refused
from trainables.networks.task_heads import TaskHead


class BoundaryHead(TaskHead):
    """A head of one channel."""

    def __init__(self, features: int) -> None:
        super().__init__(features, 1)

    def forward(self, features_BDhw: Tensor) -> Tensor:
        """(B,h,w) logits at the features' stride."""
        return super().forward(features_BDhw).squeeze(1)


def wider_classifier(classifier: nn.Module | None, features: int) -> nn.Conv2d:
    """A classifier for one more channel, the boundary map, which comes last.

    Raises:
        ValueError: the classifier is not one convolution of all the features.
    """
    if not isinstance(classifier, nn.Conv2d) or classifier.in_channels != features:
        needs = "false for a network whose classifier is not one convolution of its features"
        raise refused("model/boundary_input", needs, True)
    return nn.Conv2d(
        features + 1,
        classifier.out_channels,
        classifier.kernel_size,  # type: ignore[arg-type]
        padding=classifier.padding,  # type: ignore[arg-type]
    )
