"""How a command is made to obey permissions, which it does not as root."""

import os

RULED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.getuid() == 0 else ()
"""What stands before the command."""
