import torch

from trainables.losses.kernels.known_gradient import with_known_gradient


def test_a_retained_graph_gives_the_same_gradient_again() -> None:
    leaf = torch.ones(3, requires_grad=True)
    total = with_known_gradient(leaf, torch.tensor(6.0), torch.tensor([1.0, 2.0, 3.0]))
    (first,) = torch.autograd.grad(total * 2, leaf, retain_graph=True)
    first.zero_()  # callers may overwrite the gradient they were given
    (second,) = torch.autograd.grad(total * 3, leaf, retain_graph=True)
    (third,) = torch.autograd.grad(total, leaf)
    assert second.tolist() == [3.0, 6.0, 9.0]
    assert third.tolist() == [1.0, 2.0, 3.0]


def test_gradients_add_up_over_steps_and_uses() -> None:
    leaf = torch.ones(2, requires_grad=True)
    for _ in range(2):
        total = with_known_gradient(leaf, torch.tensor(1.0), torch.tensor([1.0, 2.0]))
        (total * 2 + total + leaf.sum()).backward()
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [8.0, 14.0]


def test_the_gradient_is_passed_on_without_a_copy() -> None:
    leaf, gradient = torch.ones(2, requires_grad=True), torch.ones(2)
    total, place = with_known_gradient(leaf, torch.tensor(1.0), gradient), gradient.data_ptr()
    del gradient
    total.backward()
    assert leaf.grad is not None
    assert leaf.grad.data_ptr() == place
