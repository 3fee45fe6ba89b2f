"""Every error a user can meet. Each text says what was expected, what was found and the fix."""


class EnginePluginError(Exception):
    """Base of all errors of this package; the command line prints its text as one line."""


class ModelError(EnginePluginError):
    """A model that cannot be used."""


class ModelMissingError(ModelError):
    """No file, or no shipped model, of this name."""


class ModelBrokenError(ModelError):
    """The file is not a model of ours: truncated, damaged, too large or without a card."""


class ModelMismatchError(ModelError):
    """A sound model made for another game, layout, version or purpose."""


class TrajectoryError(EnginePluginError):
    """A trajectory or demonstration file that is damaged or belongs to another layout."""


class ConfigError(EnginePluginError):
    """A setting out of range, or settings that contradict each other."""


class WorldError(EnginePluginError):
    """A game brought along that cannot be made, is not supported, or breaks its own contract."""


class GameLoopError(WorldError):
    """A game's own loop that shows, does or ends what it must not.

    frame: in which frame of the game, None where there was none yet
    """

    def __init__(self, text: str, frame: int | None = None) -> None:
        where = "" if frame is None else f"frame {frame:,}: "
        super().__init__(where + text)
        self.frame = frame


class OutputExistsError(EnginePluginError):
    """The output is there already and --force was not given."""


class MissingExtraError(EnginePluginError):
    """A command needs a package that an optional extra installs."""


class TrainingDivergedError(EnginePluginError):
    """A training whose figures are no longer finite; it was stopped, its last good weights kept."""


class ParityError(EnginePluginError):
    """An exported model that does not act as the trained one; it was not written."""


class GenerationError(EnginePluginError):
    """No valid level could be made under the given conditions."""
