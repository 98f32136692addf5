"""The yardstick (the methods in plain PyTorch) as a module, imported from where it lies."""
import importlib.util


def load_yardstick(path):
    spec = importlib.util.spec_from_file_location("yardstick", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
