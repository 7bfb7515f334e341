import iniconfig; print("generated with", iniconfig.__name__)
