"""What all of Edgewise's Tune callbacks share."""

from ray import tune

from study.ledger.json_records import Json


class DriverCallback(tune.Callback):
    """A callback that lives in the driver. Tune pickles its callbacks for a restore that Edgewise
    never uses: nothing of them is pickled."""

    def __getstate__(self) -> Json:
        return {}
