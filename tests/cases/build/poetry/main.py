import iniconfig, importlib.metadata as m; print("poetry", m.version("iniconfig"))
