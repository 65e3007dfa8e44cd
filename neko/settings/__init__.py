"""Every setting of Neko: defined in ``registry``, read through ``in_force``, kept in ``core_config``."""

from neko.settings.core_config import CoreConfig
from neko.settings.launch import Settings
from neko.settings.loopback import is_loopback, is_near, is_this_computer
from neko.settings.paths import ASSETS, default_data_dir

__all__ = ["ASSETS", "CoreConfig", "Settings", "default_data_dir", "is_loopback", "is_near", "is_this_computer"]
