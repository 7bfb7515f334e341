import sys

import iniconfig


def main():
    print("greetings,", *sys.argv[1:], iniconfig.__name__)
