# SPDX-License-Identifier: MIT
import argparse

parser = argparse.ArgumentParser(description="Trains a classifier.")
parser.add_argument("--data", required=True)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--lr", type=float, default=0.1, help="initial learning rate")
parser.add_argument("--amp", action="store_true")
args = parser.parse_args()
print("training with", args)
