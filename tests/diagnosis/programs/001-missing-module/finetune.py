# SPDX-License-Identifier: MIT
import argparse
import logging

parser = argparse.ArgumentParser()
parser.add_argument("--arch")
parser.add_argument("--epochs", type=int)
args = parser.parse_args()
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
logging.info("arguments: %s", vars(args))


def build(arch):
    import timm
    return timm.create_model(arch, pretrained=True)


model = build(args.arch)
