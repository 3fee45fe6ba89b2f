"""What can go wrong with the window itself."""

from engine_plugin.errors import EnginePluginError


class DisplayError(EnginePluginError):
    """No window can be opened on this machine."""
