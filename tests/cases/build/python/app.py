import os
import sys

import iniconfig

print("iniconfig", bool(iniconfig.IniConfig), os.environ["GREETING"])
print(open(sys.argv[2]).read().strip())
print("version", os.environ.get("DEPLOY_VERSION"))
