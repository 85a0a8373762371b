"""The plug-in of an earlier study, which most do not have."""

from study.ledger.plan import Plan


def install_earlier(plan: Plan, flag: str, trust: bool) -> None:
    """Install the plug-in of a ledger's plan, if it has one; see ``install_from_plan``."""
    if plan.plugin is not None:
        from study.planning.plugin import install_from_plan  # imports torch

        install_from_plan(plan, flag, trust)
