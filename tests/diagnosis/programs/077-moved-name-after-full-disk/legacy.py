# SPDX-License-Identifier: MIT
from collections import Mapping, OrderedDict


def flatten(tree, prefix=""):
    flat = OrderedDict()
    for key, value in tree.items():
        flat.update(flatten(value, prefix + key + ".") if isinstance(value, Mapping) else {prefix + key: value})
    return flat


print(flatten({"model": {"layers": 12}}))
