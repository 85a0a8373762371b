"""Layers whose gradients repeat to the last bit on a GPU, in place of some that do not."""

from torch import Tensor, nn

from trainables.geometry.pooling import cell_means


class RepeatablePool(nn.AdaptiveAvgPool2d):
    """``nn.AdaptiveAvgPool2d`` that trains by matrix products, and evaluates as torch does."""

    def forward(self, x_BDHW: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x_BDHW)
        given: int | tuple[int | None, int | None] = self.output_size  # type: ignore[assignment]
        rows, columns = (given, given) if isinstance(given, int) else given
        size = rows or x_BDHW.shape[2], columns or x_BDHW.shape[3]
        return cell_means(x_BDHW, size)


def make_repeatable(module: nn.Module) -> None:
    """Replace every adaptive pooling in ``module``, in place; they have no state."""
    for name, child in module.named_children():
        if type(child) is nn.AdaptiveAvgPool2d:
            setattr(module, name, RepeatablePool(child.output_size))
        else:
            make_repeatable(child)
