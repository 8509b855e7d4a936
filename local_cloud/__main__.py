import sys

from command_line import boundary

sys.exit(boundary.start("local_cloud.cli"))
