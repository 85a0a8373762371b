"""``torch.compile``, once per lane: later trials of the same network and shapes reuse it.

torch keeps what it compiled by the code that it is of, in the process, and by its content in a
folder of the user's. Seeds, rates and weights are no part of it: another trial finds it there.
"""

from torch import nn

MOST = 256
"""Compiled forms in one lane: a network has three, to train and to evaluate full and last batches.
torch allows 8, and then runs whatever is new uncompiled, with a warning in the lane's log alone."""


def compile_in_place(network: nn.Module) -> None:
    """Compile a network's forward pass when it is first called.

    A call that would be the lane's ``MOST`` + 1st compilation raises an error.
    """
    from torch._dynamo import config  # takes seconds

    config.recompile_limit = MOST
    config.accumulated_recompile_limit = MOST
    config.fail_on_recompile_limit_hit = True
    network.compile()


def explained(error: BaseException) -> str:
    """One line for the error at the limit; "" for any other error."""
    if type(error).__name__ != "FailOnRecompileLimitHit":
        return ""
    return (
        f"optim/compile must be false: this lane has compiled {MOST} networks and sizes of images, "
        f"and torch would run the next one uncompiled"
    )
