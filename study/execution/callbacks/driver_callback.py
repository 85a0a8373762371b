"""The base class of Edgewise's Tune callbacks."""

from ray import tune

from study.ledger.json_records import Json


class DriverCallback(tune.Callback):
    """A callback that lives in the driver.

    Tune pickles its callbacks for a restore that Edgewise never uses, so they pickle to nothing.
    """

    def __getstate__(self) -> Json:
        return {}
