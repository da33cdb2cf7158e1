"""Settings that the operator's staff decides while the service runs: typed, versioned, audited, with defaults.

What depends on where the service runs (databases, addresses, keys) is configuration and comes from the environment.
"""

from billhook_common.settings.declared import Amount, Setting, SomeOf, WholeNumber, YesNo
from billhook_common.settings.stored import latest_value, read_setting

__all__ = ["Amount", "Setting", "SomeOf", "WholeNumber", "YesNo", "latest_value", "read_setting"]
