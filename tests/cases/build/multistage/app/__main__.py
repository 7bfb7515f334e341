import sys
from pathlib import Path

import iniconfig

print(Path("generated.txt").read_text().strip(), iniconfig.__name__, sys.argv[1:])
