"""The yardstick (the methods in plain PyTorch) as a module, imported from where it lies."""
import argparse
import importlib.util
import pathlib


def load_yardstick(path):
    spec = importlib.util.spec_from_file_location("yardstick", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def given_yardstick(description):
    """For programs whose only option is where the yardstick lies."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("--yardstick", required=True, type=pathlib.Path)
    return load_yardstick(parser.parse_args().yardstick)
