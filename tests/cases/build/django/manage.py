#!/usr/bin/env python
import os
import sys
from pathlib import Path

if sys.argv[1] == "collectstatic":
    assert os.environ["SECRET_KEY"]
    Path("/usr/src/app".replace("/usr/src/app", os.getcwd()), "static").mkdir()
    Path("static/app.css").write_text("body {}")
elif sys.argv[1] == "compile":
    Path("compiled.txt").write_text("yes")
