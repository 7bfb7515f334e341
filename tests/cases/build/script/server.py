import sys; print("served", sys.argv[1:], __file__.endswith("/code/server.py"))
