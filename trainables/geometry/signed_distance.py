"""Signed distance maps of every class, for the boundary loss of Kervadec et al. (MIDL 2019).

Shape letters: B images, K classes, H rows, W columns, N maps (B times K).
"""

import torch
from torch import Tensor

from trainables.geometry.boundaries import Variant, one_hot
from trainables.geometry.device import on_cpu
from trainables.geometry.distance import NO_SITE, no_site, squared_distance

_ABSENT = NO_SITE**0.5 - 0.5


def signed_distance(
    labels_BHW: Tensor,
    num_classes: int,
    *,
    variant: Variant = "paper",
    truncate: bool = False,
    spacing: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """float32 (B,K,H,W), pixels: phi of each class, negative inside it, positive outside.

    "paper" (Eq. 5, the level set of the boundary): the boundary runs between pixels, so the pixels
    on either side of it lie at -0.5 and +0.5. A class that is absent, or has nothing beside it,
    has no boundary, and its map is zero. Void pixels are outside every class and make no boundary.

    "released": outside the class, the distance to it; inside, minus (the distance to the rest - 1),
    so the inner rim is at 0 and the outer one at +1. If the class fills the image, this reproduces
    scipy's answer for a map without sites: minus (the distance to the point (-1, 0) - 1).
    The released data loader stores integers; so does ``truncate`` (toward zero).

    Args:
        labels_BHW: int64, 0..K-1 or 255.
        num_classes: K.
        spacing: height and width of a pixel; only "released" takes others than one.
    """
    if variant == "released":
        phi_BKHW = _released(labels_BHW, num_classes, spacing)
        return phi_BKHW.trunc() if truncate else phi_BKHW
    if spacing != (1.0, 1.0):
        raise ValueError(f"spacing must be (1.0, 1.0) for variant 'paper', got {spacing}")
    if truncate:
        raise ValueError("truncate must be False for variant 'paper', got True")
    return _paper(labels_BHW, num_classes)


def _paper(labels_BHW: Tensor, num_classes: int) -> Tensor:
    """Outside, the distance to the class less half a pixel; inside, minus the least other map.

    The nearest pixel of another class belongs to one of the other maps, so no second transform is
    needed. One map at a time on a CPU, so that it fits in the cache; one image at a time on a GPU.
    """
    images, rows, columns = labels_BHW.shape
    phi_BKHW = torch.empty(images, num_classes, rows, columns, device=labels_BHW.device)
    if labels_BHW.numel() == 0:
        return phi_BKHW
    chunk = 1 if on_cpu(labels_BHW) else num_classes
    for labels_HW, phi_KHW in zip(labels_BHW.to(torch.uint8), phi_BKHW, strict=True):
        mask_KHW = one_hot(labels_HW.unsqueeze(0), num_classes).squeeze(0)
        for mask_NHW, phi_NHW in zip(mask_KHW.split(chunk), phi_KHW.split(chunk), strict=True):
            torch.sub(squared_distance(mask_NHW).float().sqrt_(), 0.5, out=phi_NHW)
        # Only in a map without any site is the corner as far away as this.
        absent_K = phi_KHW[:, 0, 0] == _ABSENT
        _fill_inside(phi_KHW, labels_HW)
        # If all other classes are absent, the remaining one has nothing beside it.
        no_boundary_K = absent_K | (absent_K.sum() >= num_classes - 1)
        phi_KHW.masked_fill_(no_boundary_K.view(-1, 1, 1), 0.0)
    return phi_BKHW


def _fill_inside(phi_KHW: Tensor, labels_HW: Tensor) -> None:
    own_1HW = labels_HW.clamp(max=len(phi_KHW) - 1).long().unsqueeze(0)
    outside_1HW = phi_KHW.gather(0, own_1HW)  # void pixels keep this
    rest_1HW = phi_KHW.scatter_(0, own_1HW, _ABSENT).amin(dim=0, keepdim=True)
    phi_KHW.scatter_(0, own_1HW, torch.where(labels_HW >= len(phi_KHW), outside_1HW, -rest_1HW))


def _released(labels_BHW: Tensor, num_classes: int, spacing: tuple[float, float]) -> Tensor:
    images, rows, columns = labels_BHW.shape
    phi_BKHW = torch.empty(images, num_classes, rows, columns, device=labels_BHW.device)
    chunk = 1 if on_cpu(labels_BHW) else num_classes
    for labels_HW, phi_KHW in zip(labels_BHW, phi_BKHW, strict=True):
        mask_KHW = one_hot(labels_HW.unsqueeze(0), num_classes).squeeze(0)
        for mask_NHW, phi_NHW in zip(mask_KHW.split(chunk), phi_KHW.split(chunk), strict=True):
            outside_NHW = squared_distance(mask_NHW, spacing).double().sqrt_()
            inside_NHW = with_phantom(squared_distance(~mask_NHW, spacing), spacing).sqrt_()
            outside_NHW.masked_fill_(no_site(mask_NHW), 0.0)
            phi_NHW.copy_(torch.where(mask_NHW, 1.0 - inside_NHW, outside_NHW))
    return phi_BKHW


def with_phantom(square_NHW: Tensor, spacing: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """float64: squared distances, in a map without a site those to (-1, 0), as scipy returns."""
    _, rows, columns = square_NHW.shape
    down_H1 = torch.arange(1, rows + 1, device=square_NHW.device).double().unsqueeze(1) * spacing[0]
    right_W = torch.arange(columns, device=square_NHW.device).double() * spacing[1]
    phantom_HW = down_H1.square() + right_W.square()
    return torch.where(square_NHW >= NO_SITE, phantom_HW, square_NHW.double())
